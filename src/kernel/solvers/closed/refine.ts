import { MlmlError } from '../../../errors.js';
import { addColumns, dots, type RefinedSystem } from './refinedSystem.js';

/** A step of refinement must leave at most this share of the residual, else conjugate gradients take over. */
const CONTRACTION = 0.25;
/** Rounding in the recurrence of the residual is mended by starting again from the true one, so often at most. */
const MOST_RESTARTS = 4;
/** A restart that leaves more than this share of the residual has reached what rounding allows. */
const PROGRESS = 0.5;
/** A curvature pᵀAp that negative, as a share of ‖p‖‖Ap‖, is no rounding error of doubles. */
const CURVATURE_ROUNDING = 1e-10;

export interface RefineSettings {
  /** Relative residual to reach. */
  readonly tolerance: number;
  readonly mostPasses: number;
  /** correction := M⁻¹·residual with the factor of M ≈ K + λI. */
  readonly precondition: () => Promise<void>;
  readonly onPass: (residual: number, exact: boolean) => void;
  readonly onWarning: (message: string) => void;
}

export interface RefineResult {
  /** Computed afresh. */
  readonly residual: number;
  readonly stopped: 'tolerance' | 'passes';
}

/**
 * Solves a system in doubles with a factor in float32: iterative refinement X += M⁻¹(Y − AX) while it contracts, which
 * takes 2 to 4 passes over K; conjugate gradients preconditioned by M where A is too ill-conditioned for that.
 * Ends with product = K·X.
 */
export async function refine(system: RefinedSystem, settings: RefineSettings): Promise<RefineResult> {
  const { estimate, correction, width } = system;
  const { tolerance } = settings;
  const ones = new Float64Array(width).fill(1);
  let relative = system.relativeResidual();
  for (;;) {
    await settings.precondition();
    addColumns(estimate, ones, correction, width);
    const before = relative;
    relative = await system.computeResidual();
    settings.onPass(relative, true);
    if (relative <= tolerance) return { residual: relative, stopped: 'tolerance' };
    if (relative <= CONTRACTION * before) continue;
    if (!(relative < before)) {
      addColumns(estimate, ones.fill(-1), correction, width);
      relative = await system.computeResidual();
    }
    break;
  }
  settings.onWarning(
    `refinement of the float32 factor contracts too slowly at residual ${relative.toExponential(1)} (the system is ` +
      'ill-conditioned); going on with conjugate gradients preconditioned by the factor',
  );
  for (let restart = 0; restart < MOST_RESTARTS; restart++) {
    const before = relative;
    await conjugateGradients(system, settings);
    relative = await system.computeResidual();
    settings.onPass(relative, true);
    if (relative <= tolerance) return { residual: relative, stopped: 'tolerance' };
    if (!(relative <= PROGRESS * before) || system.passes >= settings.mostPasses) break;
  }
  if (!Number.isFinite(relative))
    throw new MlmlError('MLML_NOT_DEFINITE', 'closed: the refinement diverged; raise --reg');
  settings.onWarning(
    `closed: the residual stays at ${relative.toExponential(1)}, above ${tolerance}; a larger --reg or a shorter ` +
      'lengthscale makes the system better conditioned',
  );
  return { residual: relative, stopped: 'passes' };
}

/**
 * From the residual at hand until its recurrence is below the tolerance in every column, each with its own steps:
 * q = Ap, α = rᵀz/pᵀq, x += αp, r −= αq, z = M⁻¹r, p = z + βp with β the ratio of new to old rᵀz.
 */
async function conjugateGradients(system: RefinedSystem, settings: RefineSettings): Promise<void> {
  const { estimate, residual, correction, direction, product, width } = system;
  await settings.precondition();
  direction.set(correction);
  let energy = dots(residual, correction, width);
  while (system.passes < settings.mostPasses) {
    await system.multiplyDirection();
    const curvature = dots(direction, product, width);
    const size = dots(direction, direction, width);
    const image = dots(product, product, width);
    const steps = energy.map((value, c) => {
      const limit = -CURVATURE_ROUNDING * Math.sqrt(size[c]! * image[c]!);
      if (curvature[c]! < limit) throw notDefinite(curvature[c]! / size[c]!);
      return value > 0 && curvature[c]! > 0 ? value / curvature[c]! : 0;
    });
    addColumns(estimate, steps, direction, width);
    addColumns(
      residual,
      steps.map((step) => -step),
      product,
      width,
    );
    const relative = system.relativeResidual();
    settings.onPass(relative, false);
    if (!(relative > settings.tolerance)) return;
    await settings.precondition();
    const next = dots(residual, correction, width);
    const ratios = next.map((value, c) => (energy[c]! > 0 ? value / energy[c]! : 0));
    for (let at = 0; at < direction.length; at += width)
      for (let c = 0; c < width; c++)
        direction[at + c] = correction[at + c]! + ratios[c]! * direction[at + c]!;
    energy = next;
  }
}

function notDefinite(curvature: number): MlmlError {
  return new MlmlError(
    'MLML_NOT_DEFINITE',
    `closed: K + reg·I is not positive definite (it has an eigenvalue of at most ${curvature.toExponential(2)}); raise ` +
      `--reg by at least ${(-1.1 * curvature).toPrecision(2)}, store the kernel with a wider --dtype, or use another kernel`,
  );
}
