import { stringify } from 'yaml';
import { groupedBy } from '../../lib/grouped.ts';
import { printable } from '../view/terminal.ts';
import type { MapLine, Plan, Setting } from './plan.ts';

const width = 120;

/**
 * The text of the file of a stage, with how sure each value is, and why.
 * @param made what it was made from, in one line
 */
export function stageFileText({ settings, map, notes }: Plan, made: string): string {
  const head = [
    '# yaml-language-server: $schema=../schemas/stage.json',
    '#',
    ...comment(made),
    ...comment(
      'certain: the service or the template shows it; likely: names and descriptions say it, check it; given: it was an answer. docs/params.md has each param, and those that are not here.',
    ),
    ...notes.flatMap(comment),
  ];
  const parts = settings.map((setting) => [...commentsOf(setting, map), yamlOf(setting)].join('\n'));
  return `${[head.join('\n'), ...parts].join('\n\n')}\n`;
}

function commentsOf({ name, sureness, why }: Setting, map: readonly MapLine[]): string[] {
  if (name !== 'templateParameters' || sureness === 'given') return comment(`${sureness}: ${why}`);
  // JSON has no room for comments: they stand above it, part by part.
  const byReason = groupedBy(map, (line) => `${line.sureness}: ${line.why}`);
  return [...byReason].flatMap(([reason, lines]) => {
    const parts = [...new Set(lines.map(({ param }) => param.replace('templateParameters.', '')))];
    return comment(`${parts.join(', ')}: ${reason}`);
  });
}

function yamlOf({ name, value }: Setting): string {
  if (value.includes('\n')) return `${name}: |\n${value.replace(/^/gm, '  ')}`;
  return stringify({ [name]: value }, { lineWidth: 0 }).trimEnd();
}

/** Lines of a comment. What is said may come from a template. */
function comment(text: string): string[] {
  const lines = [''];
  for (const word of printable(text).split(/\s+/)) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => `# ${line}`);
}
