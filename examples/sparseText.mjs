// LIBSVM (SVMlight) text, where a row names only the features that it has: node examples/sparseText.mjs [file.svm]
import { writeFile } from 'node:fs/promises';
import { defaultOptions, importDataset, nodeStorage, openAnyDataset, train } from 'mlml';

const [file = 'words.svm'] = process.argv.slice(2);
if (file === 'words.svm') await writeWords(file);

// Rows are stored as sparse as they come; a step costs as much as a row has values, whatever the number of features.
const { d, parts } = await importDataset(nodeStorage, file, { out: 'words' });
console.log(`${parts.train.n} rows of ${d} features`);

const dataset = await openAnyDataset(nodeStorage, 'words');
const { test, samples, seconds } = await train(
  'ssgd',
  dataset,
  { ...defaultOptions, bufferBytes: 4e6, loss: 'squared_hinge', epochs: 5 },
  { storage: nodeStorage, scratchFolder: 'scratch' },
);
console.log(`accuracy ${test.accuracy} after ${samples} rows in ${seconds.toFixed(2)} s`);
await dataset.close();

/** Made-up mails of twelve words out of 10 000; each class has words of its own. */
async function writeWords(path) {
  let seed = 1;
  const random = (below) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const lines = [];
  for (let i = 0; i < 3000; i++) {
    const spam = i % 2 === 0;
    const words = new Set();
    for (let word = 0; word < 9; word++) words.add(1 + random(10_000));
    for (let word = 0; word < 3; word++) words.add((spam ? 100 : 200) + random(50));
    const sorted = [...words].sort((a, b) => a - b).map((word) => `${word}:1`);
    lines.push(`${spam ? '+1' : '-1'} ${sorted.join(' ')}`);
  }
  await writeFile(path, `${lines.join('\n')}\n`);
}
