import type { Cell } from '../../columns/columnMapping.js';
import { columnOption } from '../../columns/optionText.js';
import { UnusableValue } from '../rowsBatch.js';
import { identifier } from '../sqlText.js';
import type { ColumnType } from '../tableSource.js';

/** How the values of a column, which PostgreSQL sends as texts, become cells. */
export interface PostgresColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly convert: (text: string) => Cell;
}

// From the system table pg_type.
const BOOLEAN = 16;
const BYTES = 17;
const WIDE = [20, 26];
const NUMBERS = [21, 23, 700, 701, 1700];
const DATES = [1082, 1114, 1184];

const timeOf = (text: string): Cell => {
  // 2026-01-31 12:00:00.5+00, with the session in UTC.
  const date = new Date(
    /\d:\d/.test(text) ? `${text.slice(0, 10)}T${text.slice(11).replace(/\+00$/, '')}Z` : `${text}T00:00:00Z`,
  );
  // infinity, and years before Christ or after 9999, are told as they are.
  return /^\d{4}-/.test(text) && !text.endsWith('BC') && !Number.isNaN(date.getTime()) ? date : text;
};

function integerOf(text: string): Cell {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** @param kind `typcategory` of the type: A for arrays, C for composites, R for ranges and so on */
export function postgresColumn(name: string, oid: number, kind: string, typeName: string): PostgresColumn {
  if (oid === BOOLEAN) return { name, type: 'boolean', convert: (text) => text === 't' };
  if (WIDE.includes(oid)) return { name, type: 'number', convert: integerOf };
  if (NUMBERS.includes(oid)) return { name, type: 'number', convert: Number };
  if (DATES.includes(oid)) return { name, type: 'date', convert: timeOf };
  const what = oid === BYTES ? 'bytes' : kind === 'A' ? 'an array' : kind === 'C' ? 'a composite' : undefined;
  if (what === undefined) return { name, type: 'text', convert: (text) => text };
  const quoted = identifier(name);
  const example = {
    bytes: `md5(${quoted})`,
    'an array': `${quoted}[1]`,
    'a composite': `(${quoted}).field`,
  }[what];
  return {
    name,
    type: 'text',
    convert: () => {
      throw new UnusableValue(
        `column ${name}: is ${what} (${typeName}), no single value: ${columnOption('drop', name)} leaves it out, or choose what of it counts ` +
          `with --query="SELECT ${example}, … FROM …"`,
      );
    },
  };
}
