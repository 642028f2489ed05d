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
  'A data set given by name is imported first when that has not been done. `digits` is built in and needs no download.';
