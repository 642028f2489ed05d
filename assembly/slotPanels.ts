/**
 * Sparse rows in slots (src/data/sparse/slotFile.ts), `rowBytes` apart, times blocks of vectors in panels (normalProduct.ts): of a
 * feature, four columns lie next to each other. `code` is log2 of the bytes of a value; feature j is multiplied by factors[j] and row r by
 * roots[r] (0: by 1), doubles.
 */
import { multiplyAdd64 } from './multiplyAdd';

const HEADER: u32 = 12;

// @ts-ignore: decorator
@inline
function valueAt(at: u32, i: u32, code: u32): f64 {
  if (code == 0) return <f64>load<u8>(at + i);
  if (code == 2) return <f64>load<f32>(at + (i << 2));
  return load<f64>(at + (i << 3));
}

// @ts-ignore: decorator
@inline
function rootOf(roots: u32, r: u32): f64 {
  return roots != 0 ? load<f64>(roots + (r << 3)) : 1;
}

/** scores[r][c] += root·Σ_j factor_j·x_j·p[j][c] for the columns of panels [from, to). */
export function addSlotScores(
  base: u32, rowBytes: u32, count: u32, code: u32, factors: u32, roots: u32, p: u32, features: u32, from: u32, to: u32, scores: u32, rows: u32,
): void {
  for (let r: u32 = 0; r < count; r++) {
    const row = base + r * rowBytes;
    const m = load<u32>(row);
    const indices = row + HEADER, values = indices + (m << 2);
    const root = f64x2.splat(rootOf(roots, r));
    for (let panel = from; panel < to; panel++) {
      const vectors = p + ((panel * features) << 5);
      let a = f64x2.splat(0), b = f64x2.splat(0);
      for (let i: u32 = 0; i < m; i++) {
        const j = load<u32>(indices + (i << 2));
        const x = f64x2.splat(valueAt(values, i, code) * load<f64>(factors + (j << 3)));
        const at = vectors + (j << 5);
        a = multiplyAdd64(x, v128.load(at), a);
        b = multiplyAdd64(x, v128.load(at, 16), b);
      }
      const target = scores + ((panel * rows + r) << 5);
      v128.store(target, multiplyAdd64(root, a, v128.load(target)));
      v128.store(target, multiplyAdd64(root, b, v128.load(target, 16)), 16);
    }
  }
}

/** target[j][c] += Σ_r root·factor_j·x_j·scores[r][c] for the columns of panels [from, to), over the rows in order. */
export function addSlotSums(
  base: u32, rowBytes: u32, count: u32, code: u32, factors: u32, roots: u32, scores: u32, rows: u32, from: u32, to: u32, target: u32, features: u32,
): void {
  for (let r: u32 = 0; r < count; r++) {
    const row = base + r * rowBytes;
    const m = load<u32>(row);
    const indices = row + HEADER, values = indices + (m << 2);
    const root = rootOf(roots, r);
    for (let panel = from; panel < to; panel++) {
      const source = scores + ((panel * rows + r) << 5);
      const a = v128.load(source), b = v128.load(source, 16);
      const vectors = target + ((panel * features) << 5);
      for (let i: u32 = 0; i < m; i++) {
        const j = load<u32>(indices + (i << 2));
        const x = f64x2.splat(root * valueAt(values, i, code) * load<f64>(factors + (j << 3)));
        const at = vectors + (j << 5);
        v128.store(at, multiplyAdd64(x, a, v128.load(at)));
        v128.store(at, multiplyAdd64(x, b, v128.load(at, 16)), 16);
      }
    }
  }
}

/** Rows [from, to) of the packed lower triangle: gram[i][j] += Σ_r root²·x_i·x_j, over the rows in order. */
export function addSlotGram(
  base: u32, rowBytes: u32, count: u32, code: u32, factors: u32, roots: u32, from: u32, to: u32, gram: u32,
): void {
  for (let r: u32 = 0; r < count; r++) {
    const row = base + r * rowBytes;
    const m = load<u32>(row);
    const indices = row + HEADER, values = indices + (m << 2);
    const root = rootOf(roots, r);
    for (let i: u32 = 0; i < m; i++) {
      const feature = load<u32>(indices + (i << 2));
      if (feature < from) continue;
      // Features rise.
      if (feature >= to) break;
      const x = root * root * valueAt(values, i, code) * load<f64>(factors + (feature << 3));
      const line = gram + ((feature * (feature + 1) / 2) << 3);
      for (let t: u32 = 0; t <= i; t++) {
        const j = load<u32>(indices + (t << 2));
        const at = line + (j << 3);
        store<f64>(at, load<f64>(at) + x * valueAt(values, t, code) * load<f64>(factors + (j << 3)));
      }
    }
  }
}
