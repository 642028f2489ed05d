import { nodeStorage } from '../storage/nodeStorage.js';
import type { Services } from './services.js';

/** The real file system and the real modules, each loaded when it is first needed. */
export const nodeServices: Services = {
  storage: nodeStorage,
  training: () => import('../ssgd/train.js'),
  async scoring() {
    const [{ evaluateModel }, { scoreRows }] = await Promise.all([
      import('../ssgd/evaluate.js'),
      import('../ssgd/score.js'),
    ]);
    return { evaluateModel, scoreRows };
  },
  async importing() {
    const { datasetFolder, openByName } = await import('../data/import/openByName.js');
    return {
      datasetFolder,
      openByName,
      // The readers of original files and of raw rows take megabytes: loaded when they are called.
      async importDataset(...args) {
        return await (await import('../data/import/importDataset.js')).importDataset(...args);
      },
      async openRawRows(...args) {
        return await (await import('../data/rawRows.js')).openRawRows(...args);
      },
    };
  },
  readers: () => import('../data/import/importDataset.js'),
  verifying: () => import('../data/verify.js'),
};
