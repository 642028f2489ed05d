import { MlmlError } from '../../errors.js';
import type { Task } from '../format.js';

/** Whole numbers of no more different values than this are classes, unless the task is given. As of tables. */
const MOST_NUMBERED_CLASSES = 20;
/** Different values are counted up to this many; names of classes stand in descriptions. */
const MOST_CLASSES = 2 ** 16;

/** What the labels of a data set mean. */
export interface LabelMeaning {
  readonly task: Task;
  /** Classes; 1 in regression. */
  readonly k: number;
  /** The labels in the order of their classes; empty in regression. */
  readonly classNames: readonly string[];
  /** Rows of each class; of a regression all rows that have a label. */
  readonly strata: readonly number[];
  /** Set when the labels, not an option, decided on classes or against them. */
  readonly notice?: string;
  /** The number of a label's class, or the label itself in regression; undefined for a label that was not counted. */
  valueOf(label: number): number | undefined;
}

/** Counts the labels of all rows, to tell what they mean. Labels that are not finite are left aside. */
export class LabelCensus {
  readonly #name: string;
  readonly #task: Task | undefined;
  /** Labels of the training rows, or of rows yet to be split, and of a test part of its own. */
  readonly #counts = new Map<number, number>();
  #rows = 0;
  #whole = true;
  #overflow = false;

  /** @param name what messages call the labels */
  constructor(name: string, task?: Task) {
    this.#name = name;
    this.#task = task;
  }

  /** Counts a label; of a test part only its value is of interest. */
  add(label: number, isTest = false): void {
    if (!Number.isFinite(label)) return;
    if (!isTest) this.#rows++;
    if (!Number.isInteger(label)) this.#whole = false;
    if (this.#overflow || this.#task === 'regression') return;
    // −0 and 0 are one key.
    const before = this.#counts.get(label);
    if (before !== undefined) this.#counts.set(label, isTest ? before : before + 1);
    else if (this.#counts.size < this.#most) this.#counts.set(label, isTest ? 0 : 1);
    else this.#overflow = true;
  }

  get #most(): number {
    return this.#task === 'classification' ? MOST_CLASSES : MOST_NUMBERED_CLASSES;
  }

  finish(): LabelMeaning {
    const bad = (what: string) => new MlmlError('MLML_BAD_DATA', `${this.#name}: ${what}`);
    if (this.#rows === 0) throw bad('no row has a label that is a finite number');
    const classes = [...this.#counts.keys()].sort((a, b) => a - b);
    if (this.#task === 'classification' && this.#overflow)
      throw bad(`more than ${MOST_CLASSES} different labels are too many to be classes; --task=regression?`);
    const task = this.#task ?? (this.#whole && !this.#overflow ? 'classification' : 'regression');
    if (task === 'regression') {
      const seems = this.#task === undefined && this.#whole;
      const notice = `the labels are taken for numbers, having more than ${MOST_NUMBERED_CLASSES} different values; --task=classification takes them for classes`;
      return {
        task,
        k: 1,
        classNames: [],
        strata: [this.#rows],
        valueOf: (label) => label,
        ...(seems ? { notice } : {}),
      };
    }
    if (classes.length < 2)
      throw bad(`the label is ${classes[0]} in every row; classification needs at least two classes`);
    const numbers = new Map(classes.map((label, c) => [label, c]));
    const notice = `the labels are taken for classes, being ${classes.length} different whole numbers; --task=regression takes them for numbers`;
    return {
      task,
      k: classes.length,
      classNames: classes.map(String),
      strata: classes.map((label) => this.#counts.get(label)!),
      valueOf: (label) => numbers.get(label),
      ...(this.#task === undefined ? { notice } : {}),
    };
  }
}
