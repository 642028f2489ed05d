/** A query for messages and descriptions: one line, and not too long. */
export function shownQuery(sql: string): string {
  const line = sql.trim().replace(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}

/** The query alone, to be put into another. */
export const innerQuery = (sql: string) => `(${sql.trim().replace(/;\s*$/, '')}\n)`;

/** The name of a column, or of a table without its schema, in SQL. */
export const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** The name of a table, with its schema or without: `shop.orders` is `"shop"."orders"`. */
export const tableIdentifier = (table: string) => table.split('.').map(identifier).join('.');
