import { Random } from '../../memory/random.js';
export async function openRowStream(
  plan: any,
  file: any,
  arena: any,
  _k: any,
  ctx: any & { onProgress?: (done: number, total: number) => void },
): Promise<any> {
  const b = arena.uint8('shuffle rows');
  await file.readRows(b, 0, plan.rows);
  const order = arena.uint32('shuffle order');
  for (let i = 0; i < plan.rows; i++) order[i] = i;
  return {
    bytesRead: 0,
    bytesWritten: 0,
    async close() {},
    async *epoch(e: number) {
      Random.of(ctx.seed, e).shuffle(order);
      for (let f = 0; f < plan.rows; f += 500)
        yield {
          base: arena.address('shuffle rows'),
          order: arena.address('shuffle order'),
          from: f,
          to: Math.min(f + 500, plan.rows),
        };
    },
  };
}
