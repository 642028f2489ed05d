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
    const [{ importDataset }, { datasetFolder, openByName }, { openRawRows }] = await Promise.all([
      import('../data/import/importDataset.js'),
      import('../data/import/openByName.js'),
      import('../data/rawRows.js'),
    ]);
    return { importDataset, datasetFolder, openByName, openRawRows };
  },
  verifying: () => import('../data/verify.js'),
};
