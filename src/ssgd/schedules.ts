import type { ScheduleName } from './options.js';

/** Where a run is. */
export interface ScheduleClock {
  /** Steps done. */
  readonly step: number;
  /** Share of all rows of all epochs done, 0 to 1. */
  readonly progress: number;
}

export interface ScheduleOptions {
  readonly schedule: Exclude<ScheduleName, 'auto'>;
  readonly eta0: number;
  readonly damp: number;
  readonly step: number;
}

/** Share of a one-cycle run in which the rate rises, and its first and last rates as parts of the peak. */
const RISE = 0.3;
const FIRST = 1 / 25;
const LAST = 1e-4;

/**
 * The learning rate of the next step.
 *
 * constant   eta0
 * step       eta0·damp^⌊i/step⌋ (2016)
 * inverse    eta0/√(1 + i/step)
 * linear     eta0·(1 − progress)
 * cosine     ½·eta0·(1 + cos(π·progress)) (Loshchilov & Hutter 2017)
 * one-cycle  a linear rise to eta0 over 30 % of the run, then a cosine to nearly zero (Smith & Topin 2018)
 */
export function learningRate({ schedule, eta0, damp, step }: ScheduleOptions, clock: ScheduleClock): number {
  switch (schedule) {
    case 'constant':
      return eta0;
    case 'step':
      return eta0 * damp ** Math.floor(clock.step / step);
    case 'inverse':
      return eta0 / Math.sqrt(1 + clock.step / step);
    case 'linear':
      return eta0 * (1 - clock.progress);
    case 'cosine':
      return 0.5 * eta0 * (1 + Math.cos(Math.PI * clock.progress));
    case 'one-cycle': {
      if (clock.progress < RISE) return eta0 * (FIRST + (1 - FIRST) * (clock.progress / RISE));
      const fall = (clock.progress - RISE) / (1 - RISE);
      return eta0 * (LAST + (1 - LAST) * 0.5 * (1 + Math.cos(Math.PI * fall)));
    }
  }
}
