import type { TestContext } from 'node:test';
import type { Model } from '../../src/model/saveModel.js';
import { saveModel } from '../../src/model/saveModel.js';
import type { ServeEvent, ServeOptions } from '../../src/serve/serveOptions.js';
import { startServer } from '../../src/serve/server.js';
import type { LinearModel } from '../../src/ssgd/linearModel.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';

/** Two features; class 1 when x0 > x1. */
export const plain: LinearModel = {
  task: 'classification',
  loss: 'logistic',
  d: 2,
  k: 1,
  scaling: { name: 'none', multiply: Float64Array.of(1, 1), add: new Float64Array(2) },
  weights: Float64Array.of(1, -1),
  intercept: Float64Array.of(0),
  classNames: ['less', 'more'],
  fingerprint: 'f1',
};
/** The same weights on two columns of tables, one named as what every object has. */
export const table: LinearModel = {
  ...plain,
  columns: {
    features: [
      { column: 'rooms', kind: 'number', missing: { fill: 0, indicator: false } },
      { column: 'constructor', kind: 'category', values: ['yes'] },
    ],
    label: { column: 'price', kind: 'class' },
    id: 'house',
  },
};

/** Serves a model on a free port until the test ends. */
export async function served(
  t: TestContext,
  model: Model = plain,
  options: ServeOptions = {},
  storage = new MemoryStorage(),
) {
  await saveModel(storage, '/m', model);
  const events: ServeEvent[] = [];
  const server = await startServer(storage, '/m', {
    port: 0,
    onEvent: (event) => events.push(event),
    ...options,
  });
  t.after(() => server.close());
  return { storage, server, events, url: server.url, predict: `${server.url}/predict` };
}
