/** Options of a command line, by how their value is written. */
export interface WordOptions {
  /** `--name`, `--no-name`, `--name=true`. */
  readonly flags: readonly string[];
  /** `--name=value`, `--name value`. */
  readonly valued: readonly string[];
}

/** The words of a command without some options: `words` before `--`, and `rest` from there on. */
export function withoutOptions(
  command: readonly string[],
  { flags, valued }: WordOptions,
): { readonly words: string[]; readonly rest: string[] } {
  const end = command.indexOf('--');
  const before = end === -1 ? command : command.slice(0, end);
  const words: string[] = [];
  for (let i = 0; i < before.length; i++) {
    const word = before[i]!;
    const [, no, name, value] = /^--(no-)?([^=]+)(=.*)?$/s.exec(word) ?? [];
    if (name === undefined || !(flags.includes(name) || (no === undefined && valued.includes(name))))
      words.push(word);
    else if (valued.includes(name) && value === undefined) i++;
  }
  return { words, rest: end === -1 ? [] : command.slice(end) };
}

/** The command that goes on with the run in `folder`, as it can be given to a shell. */
export function resumeCommand(folder: string): string {
  const isPlain = /^[\p{L}\p{N}_@%+=:,./~-]+$/u.test(folder) && !folder.startsWith('~');
  return `mlml resume ${isPlain ? folder : `'${folder.replaceAll("'", "'\\''")}'`}`;
}
