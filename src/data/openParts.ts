import type { PartName } from './format.js';

/** Both parts of a data set, open. */
export type OpenParts<T> = Readonly<Record<PartName, T>> & {
  /** Closes them. */
  close(): Promise<void>;
};

/** Opens the training rows, then the test rows; when one cannot be opened, none stays open. */
export async function openParts<T extends { close(): Promise<void> }>(
  open: (part: PartName) => Promise<T>,
): Promise<OpenParts<T>> {
  const train = await open('train');
  const test = await open('test').catch(async (error) => {
    await train.close();
    throw error;
  });
  return {
    train,
    test,
    async close() {
      await train.close();
      await test.close();
    },
  };
}
