import type { Run, Shown } from './screen.ts';

/** A letter of the usual fonts of terminals is three fifths as wide as it is high. */
const fontSize = 14;
const letterWidth = 8.4;
const lineHeight = 19;
const margin = 16;

const look = [
  `text { font: ${fontSize}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d7dae0; white-space: pre }`,
  '.bold { font-weight: bold }',
  '.dim { fill: #8b919d }',
  '.red { fill: #ff7b72 }',
  '.green { fill: #7ee787 }',
  '.yellow { fill: #e3b341 }',
  '.prompt { fill: #79c0ff }',
].join(' ');

/**
 * What a terminal shows as an SVG, below the command line that was typed. Its text can be selected and searched.
 * @param columns the width of the terminal
 */
export function svgOf(command: string, { lines }: Pick<Shown, 'lines'>, columns: number): string {
  const prompt: Run[] = [{ text: `$ ${command}`, styles: [] }];
  const all = [prompt, ...lines.flatMap((line) => broken(line, columns))];
  const width = Math.ceil(columns * letterWidth + 2 * margin);
  const height = all.length * lineHeight + 2 * margin;
  const texts = all.flatMap((line, place) => {
    if (line.length === 0) return [];
    const y = margin + place * lineHeight + fontSize;
    const spans = place === 0 ? `<tspan class="prompt">${escaped(`$ ${command}`)}</tspan>` : line.map(spanOf).join('');
    return [`<text x="${margin}" y="${y}" xml:space="preserve">${spans}</text>`];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(command)}</title>`,
    `<style>${look}</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#161b22"/>`,
    ...texts,
    '</svg>',
    '',
  ].join('\n');
}

/** A line as a terminal breaks it that is not wide enough. */
function broken(line: readonly Run[], columns: number): Run[][] {
  const lines: Run[][] = [[]];
  let room = columns;
  for (const { text, styles } of line) {
    let rest = text;
    while (rest.length > room) {
      lines.at(-1)?.push({ text: rest.slice(0, room), styles });
      rest = rest.slice(room);
      lines.push([]);
      room = columns;
    }
    lines.at(-1)?.push({ text: rest, styles });
    room -= rest.length;
  }
  return lines;
}

const spanOf = ({ text, styles }: Run) =>
  styles.length === 0 ? escaped(text) : `<tspan class="${styles.join(' ')}">${escaped(text)}</tspan>`;

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
