import type { Evaluation } from '../../ssgd/events.js';
import type { RankMethod } from './rankPlan.js';

/** Figures of one class, or means of them. What cannot be told is null. */
export interface ClassFigures {
  /** Of the rows predicted to be of the class, the share that is. 0 where none was predicted. */
  readonly precision: number;
  /** Of the rows of the class, the share predicted to be. 0 where there are none. */
  readonly recall: number;
  /** Harmonic mean of both: 2·right/(rows + predicted). */
  readonly f1: number;
  /** Area under the ROC curve of this class against the rest; null where all rows are of the class, or none. */
  readonly rocAuc: number | null;
  readonly averagePrecision: number | null;
}

export interface ClassReport extends ClassFigures {
  readonly class: number;
  /** Absent when classes have no names. */
  readonly name?: string;
  readonly rows: number;
  readonly predicted: number;
}

/** Rows whose probability lies above `from`, up to `to`. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Mean probability; 0 without rows. */
  readonly probability: number;
  /** Share of the rows that came true: that are of class 1 (two classes), or whose predicted class is right. */
  readonly share: number;
}

/** How far the probabilities of a model are from shares of rows. */
export interface Calibration {
  /** Expected calibration error: Σ rows/n·|probability − share| over the bins. */
  readonly expectedError: number;
  /** Largest |probability − share| of a bin with rows. */
  readonly largestError: number;
  readonly bins: readonly ReliabilityBin[];
}

/** How the areas and average precisions were found. */
export interface RankingNote {
  readonly method: RankMethod;
  /** What they may be off by: 0 when every score was sorted. */
  readonly rocAucError: number;
  readonly averagePrecisionError: number;
  /** Bytes of sorted scores on the disk. */
  readonly scratchBytes: number;
  /** Bins of the histogram of each class; 0 without one. */
  readonly bins: number;
  /** `--buffer` in bytes that would do for exact figures; 0 when they are, or when it is not known. */
  readonly exactBufferBytes: number;
}

/** What an evaluation tells of a classification beside loss and accuracy. */
export interface ClassificationReport {
  readonly classes: readonly ClassReport[];
  /** Means over the classes that occur, in rows or predictions. */
  readonly macro: ClassFigures;
  /** Means weighted by the rows of each class. */
  readonly weighted: ClassFigures;
  /** confusion[t][p]: rows of class t predicted to be of class p; null beyond MOST_CONFUSED classes. */
  readonly confusion: readonly (readonly number[])[] | null;
  /** Mean of −log(probability of the row's class), no probability counting as less than 2⁻⁵²; null without probabilities. */
  readonly logLoss: number | null;
  readonly calibration: Calibration | null;
  readonly ranking: RankingNote;
}

/** Loss and quality of a model on some rows, with all that can be said in one pass. */
export interface EvaluationReport extends Evaluation {
  readonly classification?: ClassificationReport;
  /** Mean absolute error in units of the target (regression); of several outputs the mean. */
  readonly mae?: number;
}
