import { MlmlError } from '../../../errors.js';

/** More different whole numbers than this are targets, not classes, unless the user says otherwise. */
const MOST_CLASSES = 100;

/** The labels of a text: what they are decides whether it is a classification. */
export class LabelSet {
  readonly #labels = new Set<number>();
  #last = Number.NaN;
  #targets = false;
  readonly #most: number;

  /** `k`: number of classes that is expected, when it is known. */
  constructor(k = 0) {
    this.#most = Math.max(MOST_CLASSES, k);
  }

  add(label: number): void {
    if (label === this.#last || this.#targets) return;
    this.#last = label;
    if (Number.isInteger(label)) this.#labels.add(label);
    if (!Number.isInteger(label) || this.#labels.size > this.#most) this.#targets = true;
  }

  /** The labels in rising order, which are the classes 0, 1, …; undefined for targets. */
  get classes(): readonly number[] | undefined {
    return this.#targets ? undefined : [...this.#labels].sort((a, b) => a - b);
  }
}

/** Turns labels into class numbers. */
export class ClassNumbers {
  readonly #numbers: ReadonlyMap<number, number>;
  #label = Number.NaN;
  #number = 0;

  constructor(classes: readonly number[]) {
    if (classes.length < 2) {
      throw new MlmlError(
        'MLML_BAD_DATA',
        `all labels are ${classes[0] ?? 'missing'}: a classification needs two classes; for a regression give --k=1`,
      );
    }
    this.#numbers = new Map(classes.map((label, number) => [label, number]));
  }

  get count(): number {
    return this.#numbers.size;
  }

  /** Undefined for a label that is none of the classes. */
  of(label: number): number | undefined {
    if (label === this.#label) return this.#number;
    const number = this.#numbers.get(label);
    if (number === undefined) return undefined;
    this.#label = label;
    this.#number = number;
    return number;
  }
}
