/** Names that `importDataset` knows. Apart from the importers, so that opening a data set need not load them. */
export const datasetNames = ['mnist', 'spam', 'cifar-10', 'digits'] as const;

export type DatasetName = (typeof datasetNames)[number];

export function isDatasetName(name: string): name is DatasetName {
  return (datasetNames as readonly string[]).includes(name);
}
