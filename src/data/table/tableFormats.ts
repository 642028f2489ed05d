import { databaseFormatNames } from './databaseKind.js';

/**
 * Formats of files that hold tables. Apart from what opens them, so that the table of options, which every command loads, needs
 * no more.
 */
const fileFormatNames = ['csv', 'tsv', 'jsonl', 'arrow'] as const;
export type FileFormatName = (typeof fileFormatNames)[number];
export const tableFormatNames = [...fileFormatNames, ...databaseFormatNames] as const;
