import { formatBytes } from '../../memory/byteSize.js';
import type { Candidate, Prediction } from './candidates.js';
import type { Speeds } from './speeds.js';

/** A candidate in words. */
export function nameOf({ solver, stored }: Pick<Candidate, 'solver' | 'stored'>): string {
  return stored ? `${solver} on a stored kernel` : `${solver} computing the kernel in each pass`;
}

/** What a candidate is predicted to take, and whether it was chosen: now as the quickest, or when the run was planned. */
export function optionText(
  option: Candidate & { readonly prediction: Prediction },
  { chosen, quickest }: { readonly chosen: boolean; readonly quickest: boolean },
): string {
  const { seconds, generate, solve, score } = option.prediction;
  const parts = [
    ...(option.stored ? [`storing ${minutes(generate)}`] : []),
    `${Math.round(option.passes)} passes ${minutes(solve)}`,
    `scoring ${minutes(score)}`,
  ];
  const verdict = !chosen ? '' : quickest ? ': the quickest, chosen' : ': chosen by what was measured before';
  return `${nameOf(option)}: ${minutes(seconds)} predicted (${parts.join(', ')})${verdict}`;
}

/** What was measured. */
export function speedText(
  { entries, products, floatProducts, written, read }: Speeds,
  threads: number,
): string {
  const million = (value: number) => `${(value / 1e6).toPrecision(3)} million`;
  const disk = read > 0 ? `, disk ${formatBytes(written)}/s written and ${formatBytes(read)}/s read` : '';
  return (
    `measured with ${threads} ${threads === 1 ? 'thread' : 'threads'}: ${million(entries)} kernel entries/s, ` +
    `${(products / 1e9).toPrecision(3)} billion multiply-adds/s in doubles, ${(floatProducts / 1e9).toPrecision(3)} in floats${disk}`
  );
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : `${(seconds / 60).toFixed(1)} min`;
}

/** What inducing points are predicted to take. */
export function pointsText(
  { prediction }: { readonly prediction: Prediction },
  centers: number,
  chosen: boolean,
): string {
  const verdict = chosen ? 'chosen, since the whole system is out of reach' : 'approximate';
  return `nystrom on ${centers} centres: ${minutes(prediction.seconds)} predicted: ${verdict}`;
}
