import { databaseFormatNames } from './databaseKind.js';

/**
 * Formats of files that hold tables. Apart from what opens them, so that the table of options, which every command loads, needs
 * no more.
 */
const textFormatNames = ['csv', 'tsv', 'jsonl'] as const;
export type TextFormatName = (typeof textFormatNames)[number];
export const tableFormatNames = [...textFormatNames, ...databaseFormatNames] as const;
