// Draws the learning curve of a run as an SVG picture: node scripts/drawCurve.mjs RUN_FOLDER LOG.csv PICTURE.svg
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, csv, picture] = process.argv.slice(2);
if (picture === undefined) {
  console.error('usage: node scripts/drawCurve.mjs RUN_FOLDER LOG.csv PICTURE.svg');
  process.exit(2);
}
const run = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
const { samples: rows, epochs } = run.result;
const logged = readFileSync(csv, 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(',').map(Number));
// The last line may stand for a few rows only.
const full = logged.filter(([step]) => step % logged[0][0] === 0);
const steps = logged.at(-1)[0];
const training = full.map(([step, , , accuracy]) => [(step / steps) * rows, 100 * accuracy]);
const tests = readFileSync(join(folder, 'events.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .filter((event) => event.type === 'evaluation' && event.part === 'test')
  .map((event) => [(event.epoch / epochs) * rows, 100 * event.evaluation.accuracy]);

const all = [...training, ...tests].map(([, y]) => y);
const low = Math.floor(Math.min(...all) / 5) * 5;
const high = Math.ceil(Math.max(...all) / 5) * 5;
const frame = { left: 60, top: 44, width: 600, height: 230 };
const x = (value) => frame.left + (value / rows) * frame.width;
const y = (value) => frame.top + frame.height - ((value - low) / (high - low)) * frame.height;
const line = (points) => points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(' ');
const text = (a, b, content, more = '') => `<text x="${a}" y="${b}" ${more}>${content}</text>`;

const shapes = [];
for (let tick = low; tick <= high; tick += 5) {
  shapes.push(
    `<line x1="${frame.left}" x2="${frame.left + frame.width}" y1="${y(tick)}" y2="${y(tick)}" stroke="#e4e4e4"/>`,
  );
  shapes.push(text(frame.left - 8, y(tick) + 4, `${tick} %`, 'text-anchor="end"'));
}
for (let epoch = 0; epoch <= epochs; epoch++) {
  const at = x((epoch / epochs) * rows);
  shapes.push(
    `<line x1="${at}" x2="${at}" y1="${frame.top}" y2="${frame.top + frame.height}" stroke="#e4e4e4"/>`,
  );
  shapes.push(
    text(at, frame.top + frame.height + 18, epoch === 0 ? 'start' : `epoch ${epoch}`, 'text-anchor="middle"'),
  );
}
shapes.push(`<polyline points="${line(training)}" fill="none" stroke="#3366aa" stroke-width="2"/>`);
for (const [a, b] of tests) {
  shapes.push(`<circle cx="${x(a)}" cy="${y(b)}" r="5" fill="#cc5522"/>`);
  shapes.push(text(x(a) - 8, y(b) + 20, `${b.toFixed(2)} %`, 'text-anchor="end" fill="#cc5522"'));
}
const legend = frame.left + frame.width;
shapes.push(
  text(
    legend,
    frame.top + frame.height - 30,
    'rows just seen in training',
    'text-anchor="end" fill="#3366aa"',
  ),
);
shapes.push(text(legend, frame.top + frame.height - 12, 'test rows', 'text-anchor="end" fill="#cc5522"'));
shapes.push(
  text(
    frame.left,
    26,
    `mlml ${run.command.filter((word) => !/^--(out|logfreq)/.test(word)).join(' ')}: accuracy`,
    'font-weight="bold" font-size="15"',
  ),
);

writeFileSync(
  picture,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 310" font-family="system-ui, sans-serif" font-size="12" fill="#333">
<rect width="700" height="310" fill="#fff"/>
${shapes.join('\n')}
</svg>
`,
);
