import { GraphBuilder, type Value } from './graphBuilder.js';

/**
 * Sums over features of a function of both numbers, between all rows of x [rows, d] and y [n, d]: [rows, n]. It goes feature
 * by feature, by a Scan: all pairs and features at a time would take d times the memory.
 */
export function pairSums(graph: GraphBuilder, kind: 'l1' | 'chi2', x: Value, y: Value, n: number): Value {
  const rows = graph.add('Shape', [x], { start: { integer: 0 }, end: { integer: 1 } });
  const shape = graph.add('Concat', [rows, graph.integers([n])], { axis: { integer: 0 } });
  const zeros = graph.add('Expand', [graph.scalar(0), shape]);

  const { precision } = graph;
  const body = new GraphBuilder(precision, graph.names);
  const before = body.input(body.name('sum before'), precision, ['pairs of', n]);
  const left = body.input(body.name('feature of x'), precision, ['pairs of']);
  const right = body.input(body.name('feature of y'), precision, [n]);
  const after = body.name('sum after');
  body.output(after, precision, ['pairs of', n]);
  const column = body.add('Unsqueeze', [left, body.integers([1])]);
  const difference = body.add('Sub', [column, right]);
  body.add('Add', [before, term(body, kind, column, right, difference)], {}, after);

  return graph.add('Scan', [zeros, x, y], {
    body: { graph: body.finish('sum over features') },
    num_scan_inputs: { integer: 2 },
    scan_input_axes: { integers: [1, 1] },
  });
}

function term(body: GraphBuilder, kind: 'l1' | 'chi2', x: Value, y: Value, difference: Value): Value {
  if (kind === 'l1') return body.add('Abs', [difference]);
  const total = body.add('Add', [x, y]);
  // Both are 0 then, and so is the quotient.
  const none = body.add('Equal', [total, body.scalar(0)]);
  const divisor = body.add('Where', [none, body.scalar(1), total]);
  return body.add('Div', [body.add('Mul', [difference, difference]), divisor]);
}
