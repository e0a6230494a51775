import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';
import { checkStage, otherFiles, sandboxStage } from '../../deployment/params/check.ts';
import { readDefaults } from '../../deployment/params/defaults.ts';
import { placeOf as placeInS3 } from '../../lib/aws/signed/s3.ts';
import { groupedBy } from '../../lib/grouped.ts';
import { apiUrlOf, type Discovery, getVersion } from '../../lib/infinstor/discovery.ts';
import { buildSchema } from '../../lib/requests/onboarding.ts';
import { account } from '../../sandbox/core/account.ts';
import { infinstorPath } from '../../sandbox/operator.ts';
import { ask } from '../ask.ts';
import type { Outcome } from '../command.ts';
import { CommandError, usageError } from '../command-error.ts';
import { type Answers, answersOf, flagOf, paramId } from '../init/answers.ts';
import { nextCommands } from '../init/next-commands.ts';
import {
  type Known,
  type MapLine,
  type Plan,
  planStage,
  type Question,
  type Setting,
  urlQuestion,
} from '../init/plan.ts';
import { stageFileText } from '../init/stage-file.ts';
import { writeWhole } from '../init/write.ts';
import { isUrl } from '../is-url.ts';
import type { Session } from '../session.ts';
import { endpointIn, type Reachable } from '../target/target.ts';
import { readTemplate, vendorUrl } from '../vendor-template/read.ts';
import { failureOfCommand } from '../view/report.ts';
import { type Fact, rows } from '../view/rows.ts';
import { failureText } from '../view/summary.ts';
import { printable } from '../view/terminal.ts';

interface Options {
  url?: string | undefined;
  build?: string | undefined;
  'template-url'?: string | undefined;
  param?: string[] | undefined;
  map?: string[] | undefined;
  'superadmin-user-name'?: string | undefined;
  force?: boolean | undefined;
}

/** What the command does outside of itself, and what stands in for that in a test. */
interface World {
  folder: string;
  environment: Readonly<Record<string, string | undefined>>;
  send: typeof fetch;
  getVersion: typeof getVersion;
  /** Asks somebody; the answer, without the blanks around it. */
  ask: (question: string) => Promise<string>;
}

/** osls makes longer names than AWS takes of a longer one (docs/deploying.md, step 3). */
const stageForm = /^[A-Za-z][A-Za-z0-9-]{0,18}$/;

/**
 * Makes the file of a stage from what the InfinStor service and the template of a build say, and from answers: in options, or in a
 * terminal.
 * @returns with status 2, and nothing written, when answers are missing and nobody can be asked
 * @throws CommandError named InvalidRequest for wrong usage and answers that do not fit, and for a file that is there; named ServiceNotReached, and as
 * `readTemplate` throws
 */
export async function init(
  { words: [stage = ''], options }: { words: readonly string[]; options: Options },
  session: Session,
  world: World = realWorld(),
): Promise<Outcome> {
  const file = join('stages', `${stage}.yml`);
  const path = join(world.folder, file);
  refuseStage(stage);
  if (options.force !== true && existsSync(path)) throw isThere(file);
  const given = answersIn(options);
  const defaults = await readDefaults();
  const target = await reachFor(session, stage, world);
  const known = await lookAround({ options, given, target, defaults: valuesIn(defaults) }, session, world);
  const { terminal, json } = session;
  const around = `${rows(knownFacts(known), terminal).join('\n')}\n`;
  if (!json && session.isInteractive) terminal.write(around);
  const answers = session.isInteractive ? await askAll(known, given, world) : given;
  const plan = planStage(known, answers);
  const document = documentOf(stage, file, known, plan);
  if (plan.questions.length > 0) {
    const error = missing(plan.questions);
    const text = `${around}\n${failureText(failureOfCommand(error), terminal)}`;
    return {
      document: { ...document, file: null, status: 'FAILED', next: [], error: failureOfCommand(error) },
      text,
      status: 2,
    };
  }
  const text = stageFileText(
    plan,
    `Made by \`init\` from the service at ${known.service?.url} and the template of build ${known.build}.`,
  );
  const { broken } = checkStage({ defaults, own: text }, stage);
  if (broken.length > 0) {
    throw new CommandError(
      'InvalidRequest',
      `The stage cannot be as it was answered: ${broken.join('; ')}`,
      'Nothing was written. Answer otherwise: --param NAME=VALUE, --map PART=….',
    );
  }
  await writeWhole(path, text, options.force === true).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? isThere(file) : error;
  });
  const next = nextCommands({
    stage,
    settings: plan.settings,
    hasKeys: plan.map.some(({ value }) => value?.includes('{keyArn}')),
    target,
    command: session.command,
  });
  const lines = [
    ...rows(planFacts(plan), terminal),
    ...plan.notes.flatMap((note) => ['', printable(note)]),
    '',
    `Wrote ${file}. Read it, above all what is not certain. Then, in this order:`,
    ...next.flatMap(({ what, command }) => ['', `${what}:`, `  ${command}`]),
  ];
  return {
    document: { ...document, status: 'SUCCEEDED', next: next.map(({ command }) => command), error: null },
    text: `${session.isInteractive ? '' : `${around}\n`}${lines.join('\n')}\n`,
  };
}

function realWorld(): World {
  // npm runs scripts in the project's folder, which is the one that has the stages.
  return {
    folder: process.cwd(),
    environment: process.env,
    send: fetch,
    getVersion,
    ask: (question) => ask(question, 'Nothing was written.'),
  };
}

function refuseStage(stage: string): void {
  if ([...otherFiles, sandboxStage].includes(stage)) {
    throw usageError(`stages/${stage}.yml belongs to the project: no stage of yours can have this name`);
  }
  if (!stageForm.test(stage)) {
    throw usageError(`A stage has 1 to 19 letters, digits and hyphens, and begins with a letter: not '${stage}'`);
  }
}

const isThere = (file: string) =>
  new CommandError(
    'InvalidRequest',
    `${file} is there`,
    'Nothing was written. Replace it with --force, or name another stage.',
  );

function answersIn(options: Options): Map<string, string> {
  const answers = answersOf({ params: options.param ?? [], map: options.map ?? [] });
  const userName = options['superadmin-user-name'];
  if (userName !== undefined) answers.set(paramId('superadminUserName'), userName);
  if (options.build !== undefined) {
    if (!v.is(buildSchema, options.build))
      throw usageError(`--build takes a build such as 2.3.72, not '${options.build}'`);
    answers.set(paramId('defaultBuild'), options.build);
  }
  if (options.url !== undefined) answers.set(paramId('infinstorMlflowUrl'), options.url.replace(/\/+$/, ''));
  return answers;
}

/** Where the stage is to be. The variable of AWS's SDKs leads all of them to a sandbox, and so this command. */
async function reachFor(session: Session, stage: string, { environment }: World): Promise<Reachable> {
  const url = endpointIn(environment);
  if (session.target === undefined || session.target.kind === 'stage') {
    return url === undefined ? (session.target ?? { kind: 'stage', stage }) : { kind: 'endpoint', url, stage };
  }
  return session.reach();
}

const valuesIn = (text: string) => v.parse(v.record(v.string(), v.pipe(v.unknown(), v.transform(String))), parse(text));

interface Around {
  options: Options;
  given: Answers;
  target: Reachable;
  defaults: Readonly<Record<string, string>>;
}

/** What the service and the template say. */
async function lookAround(
  { options, given, target, defaults }: Around,
  session: Session,
  world: World,
): Promise<Known> {
  const sandbox = target.kind === 'endpoint' ? target.url.replace(/\/+$/, '') : undefined;
  const { url: templateUrl, ...place } = templatePlace(options['template-url'], given, defaults);
  const named =
    given.get(paramId('infinstorMlflowUrl')) ?? (sandbox === undefined ? undefined : sandbox + infinstorPath);
  const url = named ?? (session.isInteractive ? await askUrl(world) : undefined);
  const service = url === undefined ? undefined : { url, discovery: await discover(url, world) };
  const read = await readTemplate(templateUrl, sandbox, world.send);
  // What follows the path may be a signature.
  const template = { ...read, url: read.url.replace(/\?.*/s, '') };
  return { service, template, ...place, sandbox, region: regionOf(target, world), defaults };
}

async function askUrl({ ask: askFor }: World): Promise<string> {
  for (;;) {
    const url = (await askFor(`${urlQuestion}\n> `)).replace(/\/+$/, '');
    if (isUrl(url)) return url;
  }
}

function discover(url: string, world: World): Promise<Discovery> {
  if (!isUrl(url)) throw usageError(`--url takes a URL, not '${url}'`);
  return world.getVersion(url).catch((error: unknown) => {
    throw new CommandError(
      'ServiceNotReached',
      error instanceof Error ? error.message : String(error),
      'Check --url: https://mlflow.<your service>, as the vendor has given it to you.',
    );
  });
}

/** Where the template is read, and where the deployment is to look for the templates of builds. */
function templatePlace(given: string | undefined, answers: Answers, defaults: Readonly<Record<string, string>>) {
  const param = (name: string) => answers.get(paramId(name)) ?? defaults[name] ?? '';
  const ofBuild = /^(https?:\/\/[^?]+)\/(\d[\d.]*)\/infinstor-setup-customer\.yaml$/.exec(given ?? '');
  const [, base = param('templateBaseUrl'), namedBuild] = ofBuild ?? [];
  const build = answers.get(paramId('defaultBuild')) ?? namedBuild ?? param('defaultBuild');
  const url = given ?? vendorUrl(base, build);
  if (!isUrl(url)) throw usageError(`--template-url takes a URL, not '${url}'`);
  return {
    url,
    build,
    templateBaseUrl: base,
    templateBucket: bucketOf(vendorUrl(base, build)) ?? param('templateBucket'),
  };
}

function bucketOf(url: string): string | undefined {
  try {
    return placeInS3(url).bucket;
  } catch {
    return undefined;
  }
}

function regionOf(target: Reachable, { environment }: World): Known['region'] {
  if (target.kind === 'endpoint') {
    return { value: account.region, sureness: 'certain', why: 'it is the Region of the sandbox' };
  }
  if (target.region !== undefined) return { value: target.region, sureness: 'given', why: 'it was given' };
  const value = environment.AWS_REGION || environment.AWS_DEFAULT_REGION;
  return value ? { value, sureness: 'likely', why: 'AWS_REGION says so' } : undefined;
}

/** Asks until nothing is missing, one question at a time: an answer may settle others, or raise new ones. */
async function askAll(known: Known, given: Answers, { ask: askFor }: World): Promise<Answers> {
  const answers = new Map(given);
  for (;;) {
    const [question] = planStage(known, answers).questions;
    if (question === undefined) return answers;
    const { id, text, proposal, why } = question;
    const shown = proposal === null ? '' : ` [${proposal === '' ? 'empty' : proposal}]`;
    let answer = '';
    for (let refusal = ''; ; ) {
      const typed = await askFor(`\n${refusal}${text}\n  ${why}\n${shown.trim()}> `);
      if (typed === '' && proposal === null) continue;
      answer = typed === '' ? (proposal ?? '') : typed;
      refusal = refusalOf(known, new Map(answers).set(id, answer));
      if (refusal === '') break;
    }
    answers.set(id, answer);
  }
}

/** Why an answer does not fit; empty: it does. */
function refusalOf(known: Known, answers: Answers): string {
  try {
    planStage(known, answers);
    return '';
  } catch (error) {
    if (error instanceof CommandError) return `${error.message}.\n`;
    throw error;
  }
}

/** That answers are missing: all of them, each with the option that gives it. */
function missing(questions: readonly Question[]): CommandError {
  const lines = questions.map(({ id, text, proposal, why }) => `\n- ${text} ${flagOf(id, proposal ?? '…')} (${why})`);
  return new CommandError(
    'InvalidRequest',
    `${questions.length === 1 ? 'An answer is' : `${questions.length} answers are`} missing, and nothing was written:${lines.join('')}`,
    'Run the command again with these options, whose values are proposals; or in a terminal, where it asks.',
  );
}

function documentOf(stage: string, file: string, { template }: Known, { settings, map, questions }: Plan) {
  return {
    stage,
    file,
    params: Object.fromEntries(settings.map((setting) => [setting.name, shownValue(setting)])),
    map,
    questions: questions.map((question) => ({ ...question, flag: flagOf(question.id, question.proposal ?? '…') })),
    template: { url: template.url, sha256: template.sha256 },
  };
}

/** What the service and the template are, as facts of a list. */
function knownFacts({ service, template, sandbox }: Known): Fact[] {
  const from = sandbox === undefined ? '' : `, from the sandbox at ${sandbox}`;
  const { length } = template.content.parameters;
  return [
    ...(service === undefined ? [] : serviceFacts(service)),
    ['Template', `${template.url}${from}\n${length} parameters, ${template.bytes} bytes, SHA-256 ${template.sha256}`],
  ];
}

function serviceFacts({ url, discovery }: { url: string; discovery: Discovery }): Fact[] {
  const { cognitoCliClientId, region, isExternalAuth } = discovery;
  const external = isExternalAuth === 'true' ? ', with external login' : '';
  return [
    ['Service', url],
    ['API', apiOf(discovery)],
    ['User pool', `client ${cognitoCliClientId} in ${region}${external}`],
  ];
}

function apiOf(discovery: Discovery): string {
  try {
    return apiUrlOf(discovery, '');
  } catch {
    return 'get_version does not name it';
  }
}

/** Each value with how sure it is, and why. */
function planFacts({ map, settings }: Plan): Fact[] {
  const ofParams = settings
    .filter(({ name }) => name !== 'templateParameters' && name !== 'builds')
    .map((setting): Fact => [setting.sureness, `${setting.name}: ${shownValue(setting)}\n${setting.why}`]);
  const ofMap = [...groupedBy(map, ({ param }) => param)].flatMap(([param, lines]): Fact[] => {
    const [first] = lines;
    if (first === undefined) return [];
    return [
      [first.sureness, `${param.replace('templateParameters.', '')}: ${lines.map(shown).join(', ')}\n${first.why}`],
    ];
  });
  return [...ofParams, ...ofMap];
}

/** The accounts have external ids, which are for the file alone. */
const shownValue = ({ name, value }: Setting): string =>
  name === 'accounts' ? value.replaceAll(/("externalId"\s*:\s*)"[^"]*"/g, '$1"…"') : value;

function shown({ parameter, value }: MapLine): string {
  if (parameter === null) return value === null ? 'not offered' : 'nothing to set';
  return value === null ? parameter : `${parameter}=${value}`;
}
