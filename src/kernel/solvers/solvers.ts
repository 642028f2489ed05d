import type { SolverName } from '../options.js';
import { bcd } from './bcd/bcd.js';
import { cg } from './cg/cg.js';
import { closed } from './closed/closed.js';
import type { Solver } from './solver.js';
import { ssgd } from './ssgd/ssgd.js';

/** Verbs that solve the whole system. */
export type SystemSolverName = Exclude<SolverName, 'nystrom' | 'krr'>;

export const solvers: Readonly<Record<SystemSolverName, Solver>> = { cg, bcd, closed, ssgd };
