/**
 * Formats of files that hold tables. Apart from what opens them, so that the table of options, which every command loads, needs
 * no more.
 */
export const tableFormatNames = ['csv', 'tsv', 'jsonl'] as const;
export type TableFormatName = (typeof tableFormatNames)[number];
