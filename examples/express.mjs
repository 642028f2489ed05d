// A model behind an endpoint of your own: node examples/express.mjs [model] [port]
// Needs the package express: npm install express. For a server without code there is `mlml serve`.
import express from 'express';
import {
  defaultOptions,
  loadModel,
  nodeStorage,
  openByName,
  openPredictor,
  RowError,
  saveModel,
  train,
} from 'mlml';

const [folder = 'digits-model', port = '3000'] = process.argv.slice(2);
if ((await nodeStorage.status(folder)) === undefined) await makeModel(folder);

// Loaded once, inside a budget; calls at the same time wait for each other.
const predictor = await openPredictor(nodeStorage, await loadModel(nodeStorage, folder), {
  bufferBytes: 2e6,
});

const app = express();
app.use(express.json({ limit: '1mb' }));
app.post('/digits', async (request, response) => {
  const { rows } = request.body ?? {};
  if (!Array.isArray(rows)) return response.status(400).json({ message: '"rows" must be a list of rows' });
  response.json(await predictor.predict(rows, { proba: request.query.proba === '1' }));
});
app.use((error, _request, response, _next) => {
  // What is wrong with a row, where, and its value.
  const { message, row, column, value } = error;
  if (error instanceof RowError) response.status(400).json({ message, row, column, value });
  else response.status(error.status ?? 500).json({ message: error.status ? message : 'it failed' });
});

const server = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/digits`);
});
process.once('SIGTERM', () => server.close(() => predictor.close()));

/** A first model, so that the example runs anywhere. */
async function makeModel(out) {
  const dataset = await openByName(nodeStorage, 'digits', { n: 3000, nt: 500 });
  const options = { ...defaultOptions, loss: 'softmax' };
  const { model } = await train('ssgd', dataset, options, { storage: nodeStorage, scratchFolder: 'scratch' });
  await saveModel(nodeStorage, out, model);
  await dataset.close();
}
