import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { AwsError, type Operation, operation, type Service } from '../../core/operation.ts';
import { arnAt } from '../../core/resource-provider.ts';
import { filterOf } from './filter-pattern.ts';
import { eventsOf } from './log-events.ts';
import type { QueryDefinitions } from './query-definition.ts';

export interface Logs {
  service: Service;
  /** Creates a log group, or gives the one that is there already another retention and key, since a stack may be made again. */
  createLogGroup(group: LogGroup): void;
  /** Deletes a log group, if there is one of this name. */
  deleteLogGroup(name: string): void;
  /** The saved queries. */
  queryDefinitions: QueryDefinitions;
}

/** A log group, after how many days its events go (undefined: never), and its customer managed key. */
export interface LogGroup {
  name: string;
  retentionInDays?: number | undefined;
  keyArn?: string | undefined;
}

interface Options {
  clock: Pick<Clock, 'now'>;
  home: AccountRegion;
  /** What a function has logged so far; empty for what is no function. */
  logOf: (functionName: string) => string;
}

/** How many events a page is looked for in: fewer than AWS's pages have, so that a client that reads only the first page is found out. */
const searchedPerPage = 100;
const dayMs = 24 * 60 * 60_000;
const functionPrefix = '/aws/lambda/';

const groupName = v.pipe(v.string(), v.minLength(1), v.maxLength(512), v.regex(/^[.\-_/#A-Za-z0-9]+$/));
const time = v.pipe(v.number(), v.integer(), v.minValue(0));
const inputSchema = v.strictObject({
  logGroupName: v.optional(groupName),
  logGroupIdentifier: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(2048), v.regex(/^[\w#+=/:,.@-]*$/))),
  startTime: v.optional(time, 0),
  endTime: v.optional(time, Number.MAX_SAFE_INTEGER),
  filterPattern: v.optional(v.pipe(v.string(), v.maxLength(1024)), ''),
  nextToken: v.optional(v.pipe(v.string(), v.minLength(1))),
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)), 10_000),
  // Ignored since 2019.
  interleaved: v.optional(v.boolean()),
});
const describedSchema = v.strictObject({
  logGroupNamePrefix: v.optional(groupName),
  nextToken: v.optional(v.pipe(v.string(), v.minLength(1))),
  // Pages of ten reveal a client that reads only the first one.
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(50)), 10),
});
type Input = v.InferOutput<typeof inputSchema>;

/** CloudWatch Logs: what functions have logged, to be read. They write to files (`sandbox/services/lambda/pool.ts`). */
export function createLogs({ clock, home, logOf }: Options): Logs {
  const createdAt = clock.now();
  const groups = new Map<string, LogGroup>();

  const filterLogEvents = operation(inputSchema, {
    // Denials name the resource in this way, with an empty stream: a policy for the group's ARN without `:*` does not suffice.
    access: (input) => [
      { action: 'logs:FilterLogEvents', resource: arnAt(home, 'logs', `log-group:${nameOf(input)}:log-stream:`) },
    ],
    run(input) {
      const name = nameOf(input);
      const group = groups.get(name);
      if (group === undefined) {
        throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
      }
      const { startTime, endTime, filterPattern, nextToken, limit } = input;
      const passes = filterOf(filterPattern);
      const oldest = clock.now() - (group.retentionInDays ?? Number.POSITIVE_INFINITY) * dayMs;
      const log = name.startsWith(functionPrefix) ? logOf(name.slice(functionPrefix.length)) : '';
      const inTime = eventsOf(log, clock.now()).filter(
        ({ timestamp }) => timestamp >= startTime && timestamp <= endTime && timestamp >= oldest,
      );
      const from = nextToken === undefined ? 0 : placeIn(nextToken, input);
      const found: object[] = [];
      let place = from;
      for (; place < inTime.length && place < from + searchedPerPage && found.length < limit; place += 1) {
        const event = inTime[place];
        if (event !== undefined && passes(event.message)) found.push(event);
      }
      return {
        events: found,
        // Always empty since 2020.
        searchedLogStreams: [],
        ...(place < inTime.length && { nextToken: tokenFor(place, input) }),
      };
    },
  });

  const describeLogGroups = operation(describedSchema, {
    // It knows no log groups by their names (service authorization reference).
    access: () => [{ action: 'logs:DescribeLogGroups', resource: arnAt(home, 'logs', 'log-group::log-stream:') }],
    run({ logGroupNamePrefix = '', nextToken, limit }) {
      const found = [...groups.values()]
        .filter(({ name }) => name.startsWith(logGroupNamePrefix))
        .sort((one, other) => (one.name < other.name ? -1 : 1));
      const from = nextToken === undefined ? 0 : found.findIndex(({ name }) => name > nextToken);
      const page = found.slice(from < 0 ? found.length : from).slice(0, limit);
      const last = page.at(-1);
      return {
        logGroups: page.map(({ name, retentionInDays, keyArn }) => ({
          logGroupName: name,
          logGroupArn: arnAt(home, 'logs', `log-group:${name}`),
          arn: arnAt(home, 'logs', `log-group:${name}:*`),
          creationTime: createdAt,
          ...{ logGroupClass: 'STANDARD', metricFilterCount: 0, storedBytes: 0, deletionProtectionEnabled: false },
          ...(retentionInDays !== undefined && { retentionInDays }),
          ...(keyArn !== undefined && { kmsKeyId: keyArn }),
        })),
        ...(last !== undefined && last !== found.at(-1) && { nextToken: last.name }),
      };
    },
  });

  function nameOf({ logGroupName, logGroupIdentifier }: Input): string {
    const [name, another] = [logGroupName, logGroupIdentifier].filter((given) => given !== undefined);
    if (name === undefined || another !== undefined) {
      throw new AwsError(
        'InvalidParameterException',
        'Exactly one of logGroupName and logGroupIdentifier must be given.',
      );
    }
    return name.replace(arnAt(home, 'logs', 'log-group:'), '');
  }

  return {
    service: {
      name: 'logs',
      protocol: 'json',
      operations: { FilterLogEvents: inItsWords(filterLogEvents), DescribeLogGroups: inItsWords(describeLogGroups) },
    },
    createLogGroup: (group) => void groups.set(group.name, group),
    deleteLogGroup: (name) => void groups.delete(name),
    queryDefinitions: new Map(),
  };
}

/** What other services call ValidationException is this service's InvalidParameterException. */
const inItsWords = (given: Operation): Operation => ({
  ...given,
  parse(input) {
    try {
      return given.parse(input);
    } catch (error) {
      throw error instanceof AwsError ? new AwsError('InvalidParameterException', error.message) : error;
    }
  },
});

/** The search that a token goes on with. */
const searchOf = ({ nextToken: _, limit: _limit, ...search }: Input) => JSON.stringify(search);
const tokenFor = (place: number, input: Input) =>
  Buffer.from(JSON.stringify([place, searchOf(input)])).toString('base64url');

const tokenSchema = v.pipe(
  v.string(),
  v.transform((token) => Buffer.from(token, 'base64url').toString('utf8')),
  v.parseJson(),
  v.tuple([v.pipe(v.number(), v.integer(), v.minValue(0)), v.string()]),
);

function placeIn(token: string, input: Input): number {
  const read = v.safeParse(tokenSchema, token);
  if (read.success && read.output[1] === searchOf(input)) return read.output[0];
  throw new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');
}
