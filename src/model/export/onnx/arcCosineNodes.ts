import type { GraphBuilder, Value } from './graphBuilder.js';

/** asin(z)/z as a polynomial in z² on |z| ≤ ½, the highest power first (interpolated at Chebyshev points, relative error 4e−18). */
const COEFFICIENTS = [
  0.03257934796692842, -0.02093065831518245, 0.02166805886905636, 0.003718057748325054, 0.010778675120995992,
  0.011398850408440755, 0.01398088299217101, 0.017351600625343435, 0.022372216106072144, 0.03038194264232719,
  0.04464285717686322, 0.07499999999966611, 0.16666666666666796,
] as const;

/**
 * acos of numbers in [−1, 1]. Runtimes have it for floats alone; for doubles it is put together: π/2 − asin c on |c| ≤ ½, and
 * beyond acos c = 2·asin √((1 − c)/2), acos(−c) = π − acos c.
 */
export function arcCosine(graph: GraphBuilder, c: Value): Value {
  if (graph.precision === 'float32') return graph.add('Acos', [c]);
  const scalar = (number: number) => graph.scalar(number);
  const add = (a: Value, b: Value) => graph.add('Add', [a, b]);
  const subtract = (a: Value, b: Value) => graph.add('Sub', [a, b]);
  const multiply = (a: Value, b: Value) => graph.add('Mul', [a, b]);
  const choose = (condition: Value, a: Value, b: Value) => graph.add('Where', [condition, a, b]);
  const size = graph.add('Abs', [c]);
  const near = graph.add('Less', [size, scalar(0.5)]);
  const half = multiply(subtract(scalar(1), size), scalar(0.5));
  const w = choose(near, multiply(c, c), half);
  const z = choose(near, c, graph.add('Sqrt', [half]));
  const p = COEFFICIENTS.slice(1).reduce(
    (power, coefficient) => add(multiply(power, w), scalar(coefficient)),
    scalar(COEFFICIENTS[0]),
  );
  const sine = add(multiply(multiply(z, w), p), z);
  const inner = subtract(scalar(Math.PI / 2), sine);
  const twice = add(sine, sine);
  const negative = graph.add('Less', [c, scalar(0)]);
  return choose(near, inner, choose(negative, subtract(scalar(Math.PI), twice), twice));
}
