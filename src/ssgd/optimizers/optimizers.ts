import type { OptimizerName } from '../options.js';
import { adagrad } from './adagrad.js';
import { adam } from './adam.js';
import { nesterov, sgd } from './momentum.js';
import type { Optimizer } from './optimizer.js';

const optimizers: Record<OptimizerName, Optimizer> = { sgd, nesterov, adagrad, adam };

export function optimizerOf(name: OptimizerName): Optimizer {
  return optimizers[name];
}
