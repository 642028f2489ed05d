import type { Evaluation } from '../ssgd/events.js';

/** `12 345 678`: a count with thin groups of three. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Four significant digits, without an exponent where that stays short. */
export function formatLoss(loss: number): string {
  if (!Number.isFinite(loss)) return String(loss);
  const size = Math.abs(loss);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return loss.toExponential(3);
  return loss.toPrecision(4);
}

/** `0.41 s`, `12.3 s`, `3:05 min`, `2:03:05 h`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)} min`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)} h`;
}

/** `86.41 %`, of a share from 0 to 1. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** What is said of figures that are means over so many outputs. */
export const ofOutputs = (count: number) => ` (means over ${count} outputs)`;

/** `accuracy 86.41 %` or `rmse 4.930, r2 0.7312`: what of them is known, which may be nothing. */
export function formatQuality({ accuracy, rmse, r2, outputs }: Omit<Evaluation, 'rows' | 'loss'>): string {
  const figures = [
    ...(accuracy === undefined ? [] : [`accuracy ${formatShare(accuracy)}`]),
    ...(rmse === undefined ? [] : [`rmse ${formatLoss(rmse)}`]),
    ...(r2 === undefined ? [] : [`r2 ${r2.toFixed(4)}`]),
  ].join(', ');
  return outputs === undefined ? figures : `${figures}${ofOutputs(outputs.length)}`;
}
