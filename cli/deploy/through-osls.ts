import { CommandError } from '../command-error.ts';
import type { Session } from '../session.ts';
import type { Reachable } from '../target/target.ts';
import { printable } from '../view/terminal.ts';
import type { Clone } from './clone.ts';
import { oslsArguments, oslsEnvironment } from './osls.ts';
import { firstFailure, newEvents, newestEventId } from './stack-events.ts';

/** So many of osls's last lines are shown of a failure that the stack's events do not explain. */
const lastLines = 8;

/** What osls says of itself. */
const ofItself = /^\s*(Environment|Docs|Support|Bugs|View the full error|\d+ deprecations? found)\b/;

/**
 * Deploys what is packaged, or removes a stage, by osls, whose lines are shown as it goes.
 * @returns what it has written
 * @throws CommandError named DeploymentFailed or RemovalFailed, with the resource that failed first
 */
export async function throughOsls(
  command: 'deploy' | 'remove',
  { clone, target, region }: { clone: Pick<Clone, 'osls'>; target: Reachable; region: string },
  { terminal, json }: Pick<Session, 'terminal' | 'json'>,
): Promise<string[]> {
  const place = { target, region };
  const before = await newestEventId(place);
  let isSection = false;
  const { status, lines } = await clone.osls(
    { args: oslsArguments(command, place), environment: oslsEnvironment(target, process.env) },
    (line) => {
      // Its lists of endpoints and functions: what is of use in them is shown in the end.
      isSection = /^\S+:$/.test(line) || (isSection && /^\s/.test(line));
      if (!json && !isSection && !ofItself.test(line))
        terminal.write(`  ${terminal.paint('dim', printable(line).trimEnd())}\n`);
    },
  );
  if (status === 0) return lines;
  const failure = firstFailure(await newEvents(place, before));
  throw new CommandError(
    command === 'deploy' ? 'DeploymentFailed' : 'RemovalFailed',
    failure ?? saidBy(lines),
    command === 'deploy'
      ? 'CloudFormation has brought back what was there before. Correct the cause, and run the command again; after a first deployment wait a minute, in which SQS does not give the name of a queue away again.'
      : 'What could be removed is gone. Correct the cause, and run the command again.',
  );
}

/** What osls says of a failure, without its stack trace and its environment. */
export function saidBy(lines: readonly string[]): string {
  const from = lines.findLastIndex((line) => /^(✖|×|Error:?)/.test(line.trim()));
  const said = (from < 0 ? lines.slice(-lastLines) : lines.slice(from))
    .filter((line) => !/^\s+at /.test(line))
    .filter((line) => !ofItself.test(line))
    .slice(0, lastLines)
    .map((line) => line.trim());
  return said.length === 0 ? 'osls has failed, and says nothing' : `osls: ${said.join(' ')}`;
}
