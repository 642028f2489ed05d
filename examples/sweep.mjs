// Many settings tried in one pass over the data; each model ends in the weights it would have alone: node examples/sweep.mjs
import { defaultOptions, nodeStorage, openByName, saveModel, train } from 'mlml';

const dataset = await openByName(nodeStorage, 'digits', { n: 4000, nt: 1000 });

const options = {
  ...defaultOptions,
  bufferBytes: 4e6,
  epochs: 3,
  // Six models, from one stream of rows, compared on a fifth of the training rows.
  sweep: { reg: [0.1, 10, 1000], loss: ['softmax', 'ridge'] },
  holdout: 0.2,
};
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('stopped by Ctrl-C')));

const { model, test } = await train('ssgd', dataset, options, {
  storage: nodeStorage,
  scratchFolder: 'scratch',
  signal: stop.signal,
  onEvent(event) {
    if (event.type !== 'sweep') return;
    console.log(`epoch ${event.epoch}:`);
    for (const { options, heldOut } of event.models)
      console.log(`  ${JSON.stringify(options)} ${heldOut?.accuracy}`);
  },
});
console.log(`the best has loss ${model.loss}, and accuracy ${test.accuracy} on the test rows`);
await saveModel(nodeStorage, 'best', model);
await dataset.close();
