/** What the help says about a verb. */
export interface VerbDescription {
  readonly summary: string;
  readonly synopsis: readonly string[];
  /** Paragraphs between the synopsis and the options. */
  readonly details: readonly string[];
  readonly examples: readonly (readonly [command: string, what: string])[];
}

export const dataNames = 'mnist|spam|cifar-10|digits|<data set folder>';
export const data =
  'A data set given by name is imported first when that has not been done. `digits` is built in and needs no download. ' +
  'So is a file (a table, arrays, LIBSVM text), a query or a database; while a file stays the same it is not imported again.';
/** The line of the synopsis of verbs that import a file first. */
export const fileSynopsis = (verb: string) => `mlml ${verb} <file> --label=<column> [options]`;
