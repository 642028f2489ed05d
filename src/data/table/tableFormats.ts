import { basename } from 'node:path';
import type { Storage } from '../../storage/storage.js';
import { databaseFormatNames, databaseKind, isPath } from './databaseKind.js';

/**
 * Formats of files that hold tables, and how their names end. Apart from what opens them (`openTable`), so that the table of options
 * and the search for data sets, which every command loads, need no more.
 */
const endings = {
  csv: ['csv', 'txt'],
  tsv: ['tsv', 'tab'],
  jsonl: ['jsonl', 'ndjson'],
  arrow: ['arrow', 'arrows', 'ipc', 'feather'],
} as const;
export type FileFormatName = keyof typeof endings;
const fileFormatNames = Object.keys(endings) as FileFormatName[];
export const tableFormatNames = [...fileFormatNames, ...databaseFormatNames] as const;

/** What a source is by its name, or undefined when it is none of a table. */
export function tableFormatOf(path: string): string | undefined {
  const kind = databaseKind(path);
  if (kind !== undefined) return kind;
  const ending = basename(path)
    .toLowerCase()
    .replace(/\.(gz|zst)$/, '')
    .split('.')
    .slice(1)
    .pop();
  return fileFormatNames.find((name) => (endings[name] as readonly string[]).includes(ending ?? ''));
}

/** Whether a source is meant as a table: the standard input, or files whose names end as those of tables do. */
export async function isTable(storage: Storage, source: string): Promise<boolean> {
  if (source === '-' || !isPath(source)) return true;
  return tableFormatOf(source) !== undefined && (await storage.status(source))?.isFolder !== true;
}
