/** A word as it is typed in a shell, in quotes where it needs them. */
export function shellWord(text: string): string {
  if (/^[\p{L}\p{N}_.@%+=:,/-]+$/u.test(text)) return text;
  if (text.includes("'") && !/["$`\\!]/.test(text)) return `"${text}"`;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * An option that takes names of columns, as it is typed in a shell: `--drop=size`, `--drop='kunden id'`, `--drop='"a, b"'`. `suffix` goes
 * behind the name: `--types='zip code:hash'`.
 */
export function columnOption(option: string, column: string, suffix = ''): string {
  const name = /[",]/.test(column) ? `"${column.replaceAll('"', '""')}"` : column;
  return `--${option}=${shellWord(name + suffix)}`;
}
