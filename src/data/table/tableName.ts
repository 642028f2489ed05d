import { basename } from 'node:path';
import { databaseKind, shownSource } from './databaseKind.js';

/** A short name for the rows that a path or pattern names: `parts/trips-*.csv.gz` are `trips`; for those of a database, its table. */
export function tableName(source: string, table?: string): string {
  if (source === '-') return 'stdin';
  const kind = databaseKind(source);
  if (kind === 'sql') return 'query';
  const shown = kind === 'postgres' ? shownSource(source).replace(/^.*?:\/\/[^/]*/, '') : source;
  const name = basename(table ?? shown)
    .replace(/\.(gz|zst)$/i, '')
    .replace(/\.\w+$/, '')
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[-._]+|[-._]+$/g, '')
    .slice(0, 100);
  return name === '' ? 'table' : name;
}
