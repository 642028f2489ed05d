// A model that learns from rows as they arrive on a socket, and answers with what it thought: node examples/partialFitFromSocket.mjs
// Each line is JSON: {"x": [0.2, 0.7], "y": 0} teaches, {"x": [0.2, 0.7]} asks.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { openLearner } from 'mlml';

const learner = await openLearner({ d: 2, k: 2, loss: 'logistic', bufferBytes: 1e5 });

const server = createServer(async (socket) => {
  let batch = [];
  const learn = () => {
    if (batch.length === 0) return;
    const { accuracy } = learner.partialFit({
      x: Float32Array.from(batch.flatMap(({ x }) => x)),
      y: batch.map(({ y }) => y),
    });
    console.log(
      `${learner.samples} rows learnt, ${(100 * accuracy).toFixed(0)} % of the last ${batch.length} foreseen`,
    );
    batch = [];
  };
  for await (const line of createInterface({ input: socket })) {
    const row = JSON.parse(line);
    if (row.y === undefined) {
      learn();
      socket.write(`${JSON.stringify({ class: learner.predict(Float32Array.from(row.x))[0] })}\n`);
    } else if (batch.push(row) === 250) learn();
  }
  learn();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

// Someone who teaches it that class 1 lies above the diagonal, and then asks.
const client = connect(server.address().port, '127.0.0.1');
for (let i = 0; i < 3000; i++) {
  const x = [Math.random() - 0.5, Math.random() - 0.5];
  // A slow learner slows its teacher.
  if (!client.write(`${JSON.stringify({ x, y: Number(x[1] > x[0]) })}\n`)) await once(client, 'drain');
}
for (const x of [
  [0.3, -0.3],
  [-0.3, 0.3],
])
  client.write(`${JSON.stringify({ x })}\n`);
let asked = 0;
for await (const line of createInterface({ input: client })) {
  console.log(`answer: ${line}`);
  if (++asked === 2) break;
}
client.destroy();
server.close();
