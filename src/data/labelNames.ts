/** Letters of a name that descriptions hold and messages repeat. */
const LONGEST_NAME = 1000;

/** What has names of labels: a data set or a model. They are there when a regression has several labels, one for each. */
export interface Labelled {
  readonly labelNames?: readonly string[];
}

/** Checks the `labelNames` of a parsed description whose rows have k classes, or k outputs. */
export function checkLabelNames(
  value: unknown,
  task: string,
  k: number,
  bad: (field: string, found: unknown, wanted: string) => never,
): void {
  const several = task === 'regression' && k > 1;
  if (!several) {
    if (value !== undefined) bad('labelNames', value, 'nothing where rows have one label');
    return;
  }
  const isName = (name: unknown) => typeof name === 'string' && name !== '' && name.length <= LONGEST_NAME;
  if (!Array.isArray(value) || value.length !== k || !value.every(isName) || new Set(value).size !== k)
    bad('labelNames', value, `${k} different names`);
}

/** Names for the labels of rows that come without: y0, y1, … */
export function plainLabelNames(count: number): string[] {
  return Array.from({ length: count }, (_, c) => `y${c}`);
}

/**
 * How the labels of `found` differ from those of `wanted`, in words; undefined when they are the same, or when neither has several.
 * The same names in another order differ: figures of one label would be told of another.
 */
export function labelDifference(
  { labelNames: found = [] }: Labelled,
  { labelNames: wanted = [] }: Labelled,
): string | undefined {
  if (found.length !== wanted.length) {
    const count = (names: readonly string[]) => (names.length === 0 ? 'one label' : `${names.length} labels`);
    return `has ${count(found)} a row, not ${count(wanted)}`;
  }
  const at = found.findIndex((name, c) => name !== wanted[c]);
  return at < 0
    ? undefined
    : `label ${at} is ${JSON.stringify(found[at])}, not ${JSON.stringify(wanted[at])}`;
}
