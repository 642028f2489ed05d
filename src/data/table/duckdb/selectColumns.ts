import { columnOption, shellWord } from '../../columns/optionText.js';
import { identifier } from '../sqlText.js';
import type { ColumnType } from '../tableSource.js';
import type { SentAs } from './messages.js';

/** How a column of a result travels and what it becomes. */
export interface DuckdbColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Nothing is sent of a column that is no single value: `problem` says what to do about it. */
  readonly sent: SentAs | undefined;
  readonly problem?: string;
  /** Expressions over the result that give what is sent. */
  readonly expressions: readonly string[];
}

export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

const EXACT = Number.MAX_SAFE_INTEGER;

/**
 * The columns of a result by the types that DuckDB tells (`DESCRIBE`). Missing numbers travel as NaN, missing texts as empty ones.
 * `from` stands for the result in advice.
 */
export function duckdbColumns(
  described: readonly (readonly [name: string, type: string])[],
  from: string,
): DuckdbColumn[] {
  return described.map(([name, type]) => columnOf(name, type, from));
}

function columnOf(name: string, type: string, from: string): DuckdbColumn {
  const c = identifier(name);
  const double = (expression: string) => `coalesce((${expression})::DOUBLE, 'NaN'::DOUBLE)`;
  const doubles = (kind: ColumnType, expression = c): DuckdbColumn => ({
    name,
    type: kind,
    sent: 'doubles',
    expressions: [double(expression)],
  });
  if (/\[\d*\]$/.test(type))
    return problem(name, type, 'a list', `${c}[1] AS ${identifier(`${name}_1`)}`, from);
  switch (/^[A-Z_0-9 ]+/.exec(type)?.[0].trim()) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INTEGER':
    case 'UTINYINT':
    case 'USMALLINT':
    case 'UINTEGER':
    case 'FLOAT':
    case 'DOUBLE':
    case 'DECIMAL':
      return doubles('number');
    case 'BOOLEAN':
      return doubles('boolean');
    case 'BIGINT':
    case 'UBIGINT':
    case 'HUGEINT':
    case 'UHUGEINT': {
      const exact = type.startsWith('U') ? `${c} <= ${EXACT}` : `${c} BETWEEN -${EXACT} AND ${EXACT}`;
      return {
        name,
        type: 'number',
        sent: 'doubles and texts',
        expressions: [
          double(`CASE WHEN ${exact} THEN ${c} END`),
          `CASE WHEN ${exact} THEN '' ELSE coalesce(${c}::VARCHAR, '') END`,
        ],
      };
    }
    case 'DATE':
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_NS':
    case 'TIMESTAMP WITH TIME ZONE': {
      const time = type.startsWith('TIMESTAMP_') ? `${c}::TIMESTAMP` : c;
      return {
        name,
        type: 'date',
        sent: 'doubles and texts',
        expressions: [
          double(`CASE WHEN isfinite(${time}) THEN epoch_ms(${time}) END`),
          `CASE WHEN isfinite(${time}) THEN '' ELSE coalesce(${c}::VARCHAR, '') END`,
        ],
      };
    }
    case 'STRUCT':
      return problem(name, type, 'a struct', `unnest(${c})`, from);
    case 'MAP':
      return problem(name, type, 'a map', `${c}['a key'] AS ${identifier(`${name}_1`)}`, from);
    case 'UNION':
    case 'VARIANT':
    case 'GEOMETRY':
      return problem(name, type, 'of many shapes', `${c}::VARCHAR AS ${c}`, from);
    case 'BLOB':
      return problem(name, type, 'bytes', `md5(${c}) AS ${c}`, from);
    default:
      return { name, type: 'text', sent: 'texts', expressions: [`coalesce(${c}::VARCHAR, '')`] };
  }
}

function problem(name: string, type: string, what: string, example: string, from: string): DuckdbColumn {
  const shown = type.length > 60 ? `${type.slice(0, 60)}…` : type;
  return {
    name,
    type: 'text',
    sent: undefined,
    problem:
      `is ${what} (${shown}), no single value: ${columnOption('drop', name)} leaves it out, or choose what of it counts: ` +
      `mlml import ${shellWord(`SELECT ${example}, * EXCLUDE (${identifier(name)}) FROM ${from}`)}`,
    expressions: [],
  };
}
