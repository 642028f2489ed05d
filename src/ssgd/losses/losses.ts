import type { LossName } from '../options.js';
import { hinge, squaredHinge } from './hinge.js';
import { huber } from './huber.js';
import { logistic } from './logistic.js';
import type { Loss } from './loss.js';
import { ridge } from './ridge.js';
import { softmax } from './softmax.js';

const losses: Record<LossName, Loss> = {
  ridge,
  softmax,
  logistic,
  hinge,
  squared_hinge: squaredHinge,
  huber,
};

export function lossOf(name: LossName): Loss {
  return losses[name];
}
