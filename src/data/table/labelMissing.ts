import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { shownSource } from './databaseKind.js';
import { type OpenTableOptions, openTable } from './openTable.js';

/** Names of columns that a message lists. */
const MOST_LISTED = 30;

/**
 * The error of a table that is to be imported without a label: it names the columns. Where the table cannot be opened, the error
 * that says why.
 */
export async function labelMissing(
  storage: Storage,
  source: string,
  options: OpenTableOptions,
): Promise<unknown> {
  const problem = (columns: string) =>
    new MlmlError(
      'MLML_USAGE',
      `${shownSource(source)}: of a table, --label=<column> has to say which column is to be predicted${columns}; see mlml import --help`,
    );
  // A pipe is not touched in vain.
  if (source === '-') return problem('');
  try {
    const table = await openTable(storage, source, options);
    const { columns } = table;
    await table.close();
    const more = columns.length > MOST_LISTED ? `, … (${columns.length} in all)` : '';
    return problem(`, of ${columns.slice(0, MOST_LISTED).join(', ')}${more}`);
  } catch (error) {
    return error;
  }
}
