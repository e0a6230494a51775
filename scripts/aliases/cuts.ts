import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import type { Cut } from './cut.ts';

const partitionsSchema = v.object({
  partitions: v.array(
    v.looseObject({ regionRegex: v.string(), regions: v.record(v.string(), v.object({ description: v.string() })) }),
  ),
});

/** What the AWS SDK, Powertools and middy bring along that no function of this project reaches in Lambda. */
export const cuts: readonly Cut[] = [
  {
    modules: /^@aws-sdk\/client-[^/]+\/package\.json$/,
    reason: 'Of its package.json a client reads the version, for the user agent.',
    instead: (contents) => JSON.stringify({ version: versionOf(contents) }),
  },
  {
    modules: /^@aws-sdk\/client-[^/]+\/dist-es\/runtimeExtensions\.js$/,
    // What goes with it: the handler of requests is not told the default of 300 s for sockets; each call ends after 5 s.
    reason: 'No client is given extensions; without any, the configuration stays what it was.',
    instead: 'export const resolveRuntimeExtensions = (config) => config;',
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/config\/node-config-provider\/fromSharedConfigFiles\.js$/,
    reason: 'There is no ~/.aws in Lambda: this link of a chain never finds anything, so the next one is asked.',
    instead: `import { CredentialsProviderError } from '../property-provider/CredentialsProviderError';
      export const fromSharedConfigFiles = () => async () => { throw new CredentialsProviderError('no configuration files'); };`,
  },
  {
    modules:
      /^@(smithy|aws-sdk)\/core\/dist-es\/submodules\/.*(\/NodeUse\w+ConfigOptions|regionConfig\/config|middleware-retry\/configurations|getEndpointUrlConfig|getIgnoreConfiguredEndpointUrls|clock-skew-node-config|NODE_AUTH_SCHEME_PREFERENCE_OPTIONS|NodeAccountIdEndpointModeConfigOptions|nodeAppIdConfigOptions)\.js$/,
    reason: 'What a setting would be in those files is never asked, either.',
    instead: (contents) =>
      contents.replace(/^ {4}configFileSelector: .*(?:,\n|\{\n(?:(?! {4}\},).*\n)* {4}\},\n)/gm, ''),
  },
  {
    modules:
      /^@smithy\/core\/dist-es\/submodules\/config\/config-resolver\/regionConfig\/getInstanceMetadataRegion\.js$/,
    reason: 'Lambda sets AWS_REGION, so that no instance is asked for its Region.',
    instead: 'export const getInstanceMetadataRegion = async () => undefined;',
  },
  {
    modules: /^@aws\/lambda-invoke-store\/dist-es\/invoke-store\.js$/,
    reason:
      'The runtime has a store of its own where it runs several invocations at once; where not, the environment holds what is asked for.',
    instead:
      'export const InvokeStore = { getInstanceAsync: async () => globalThis.awslambda?.InvokeStore }, InvokeStoreBase = undefined;',
  },
  {
    modules: /^@aws-sdk\/core\/dist-es\/submodules\/client\/util-endpoints\/aws\.js$/,
    reason: 'A client whose endpoint rules need these functions says so itself; said here, they are in every bundle.',
    instead: (contents) => contents.replace(/^customEndpointFunctions\.aws = .*\n/m, ''),
  },
  {
    modules: /^@aws-sdk\/client-dynamodb\/dist-es\/commands\/DescribeEndpointsCommand\.js$/,
    reason: 'It is for the discovery of endpoints: see there.',
    instead: 'export const DescribeEndpointsCommand = undefined;',
  },
  {
    modules: /^@aws-sdk\/lib-dynamodb\/dist-es\/DynamoDBDocumentClient\.js$/,
    reason: 'The client that it wraps is always of the version that it goes with: both come from one lock file.',
    instead: (contents) => contents.replace(/^ {8}const middlewares = (?:.*\n)*? {8}\}\n(?= {4}\}\n)/m, ''),
  },
  {
    modules: /^@smithy\/node-http-handler\/dist-es\/node-http-handler\.js$/,
    reason: 'These are for extensions of clients, of which there are none.',
    methods: ['updateHttpClientConfig', 'httpHandlerConfigs'],
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/client\/middleware-stack\/MiddlewareStack\.js$/,
    reason: 'No middleware is taken out of a stack.',
    instead: (contents) =>
      contents
        .replace(/^ {4}const removeBy(?:.*\n)*? {4}\};\n/gm, '')
        .replace(/^ {8}(?:remove|removeByTag): (?:.*\n)*? {8}\},\n/gm, ''),
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/protocols\/json\/codec-v2\/JsonShapeSerializer2\.js$/,
    reason: 'It is for a protocol that no client of a function speaks.',
    methods: ['writeDiscriminatedDocument'],
  },
  {
    modules: /^@aws-sdk\/core\/dist-es\/submodules\/httpAuthSchemes\/aws_sdk\/resolveAwsSdkSigV4Config\.js$/,
    reason: 'It is for clients that were made before there were endpoint rules.',
    instead: (contents) => contents.replace(/^ {4}else if \(config\.regionInfoProvider\) \{\n(?:.*\n)*? {4}\}\n/m, ''),
  },
  {
    modules: /^@aws-sdk\/middleware-endpoint-discovery\/dist-es\/index\.js$/,
    reason:
      'No operation of the DynamoDB client uses the discovery of endpoints any more; its cache brings a library along.',
    instead: `export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = { environmentVariableSelector: () => false };
      export const resolveEndpointDiscoveryConfig = (config) => config;`,
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/retry\/util-retry\/AdaptiveRetryStrategy\.js$/,
    reason: 'Retries are of the standard mode: nothing sets AWS_RETRY_MODE.',
    instead: `export class AdaptiveRetryStrategy {
      constructor() { throw new Error('The adaptive retry mode is not in this bundle: see scripts/aliases/cuts.ts'); } }`,
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/checksum\/sha256\/Sha256Js\.js$/,
    reason: 'The runtime has node:crypto, which is asked first.',
    instead: 'export const Sha256Js = undefined;',
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/endpoints\/middleware-endpoint\/service-customizations\/index\.js$/,
    reason: 'These are for S3, which no function calls.',
    instead: 'export const resolveParamsForS3 = () => {};',
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/serde\/date-utils\.js$/,
    reason:
      'The JSON protocols send times as numbers; dates as text come by the Query protocol, which has another parser.',
    instead: (contents) => `${contents.slice(0, contents.indexOf('const RFC3339 '))}
      export { _parseEpochTimestamp as parseEpochTimestamp } from './schema-serde-lib/schema-date-utils';
      const missing = () => { throw new Error('Dates as text are not in this bundle: see scripts/aliases/cuts.ts'); };
      export { missing as parseRfc3339DateTime, missing as parseRfc3339DateTimeWithOffset, missing as parseRfc7231DateTime };`,
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/serde\/schema-serde-lib\/schema-date-utils\.js$/,
    reason: 'Dates of this form come in headers only, of which no operation that is used reads one.',
    instead: (contents) => withoutParsers(contents, ['_parseRfc7231DateTime']),
  },
  {
    modules: /^@aws-sdk\/(client-[^/]+|lib-dynamodb)\/dist-es\/pagination\/[^/]+Paginator\.js$/,
    reason:
      'Making a paginator has no side effects: said so, those that nothing uses are left out, with their commands.',
    instead: (contents) => contents.replace('= createPaginator(', '= /* @__PURE__ */ createPaginator('),
  },
  {
    modules: /^valibot\/dist\/index\.mjs$/,
    reason: 'No schema is about emoji, and the expression for them would stay.',
    instead: (contents) => contents.replace(/^const EMOJI_REGEX = .*$/m, 'const EMOJI_REGEX = undefined;'),
  },
  {
    modules: /^@aws-sdk\/client-[^/]+\/dist-es\/endpoint\/endpointResolver\.js$/,
    reason: 'See scripts/aliases/endpoints.ts.',
    instead: (_contents, path) => endpointResolverOf(path),
  },
  {
    modules: /^@aws-sdk\/core\/dist-es\/submodules\/client\/middleware-user-agent\/check-features\.js$/,
    reason: "These features of the client are for AWS's statistics, in the user agent.",
    instead: 'export const checkFeatures = async () => {};',
  },
  {
    modules: /^@aws-sdk\/core\/dist-es\/submodules\/client\/middleware-logger\/loggerMiddleware\.js$/,
    reason: 'No client is given a logger.',
    instead: `export const loggerMiddleware = undefined, loggerMiddlewareOptions = undefined;
      export const getLoggerPlugin = () => ({ applyToStack() {} });`,
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/client\/smithy-client\/schemaLogFilter\.js$/,
    reason: 'It hides secrets from the logger that no client is given.',
    instead: "export const schemaLogFilter = () => '(not shown)';",
  },
  {
    modules: /^@aws-sdk\/core\/dist-es\/submodules\/client\/emitWarningIfUnsupportedVersion\.js$/,
    reason: "The runtime's version of Node is the deployment's choice, and new enough.",
    instead: 'export const state = {}; export const emitWarningIfUnsupportedVersion = () => {};',
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/config\/defaults-mode\/resolveDefaultsModeConfig\.js$/,
    reason: 'Nothing sets AWS_DEFAULTS_MODE; this is its default.',
    instead: "export const resolveDefaultsModeConfig = () => async () => 'legacy';",
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/client\/smithy-client\/defaults-mode\.js$/,
    reason: 'The mode is the default one, which changes nothing.',
    instead: 'export const loadConfigsForDefaultMode = () => ({});',
  },
  {
    modules: /^@aws-sdk\/core\/dist-es\/submodules\/account-id-endpoint\/AccountIdEndpointModeConfigResolver\.js$/,
    reason: "Lambda's credentials come without an account id, so that DynamoDB's endpoints per account are never used.",
    instead: 'export const resolveAccountIdEndpointModeConfig = (config) => config;',
  },
  {
    modules: /^@aws-sdk\/core\/dist-es\/submodules\/client\/middleware-user-agent\/configurations\.js$/,
    reason: 'The functions have no application id for the user agent: nothing sets AWS_SDK_UA_APP_ID.',
    instead: `export const DEFAULT_UA_APP_ID = undefined;
      export const resolveUserAgentConfig = (config) => Object.assign(config, { userAgentAppId: async () => undefined });`,
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/serde\/uuid\/v4\.js$/,
    reason: 'The runtime has this function, which is asked first.',
    instead: 'export const bindV4 = () => () => crypto.randomUUID();',
  },
  {
    modules: /^@aws-sdk\/core\/dist-es\/submodules\/protocols\/ProtocolLib\.js$/,
    reason: 'It is for REST protocols, which no client of a function speaks.',
    methods: ['resolveRestContentType'],
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/protocols\/HttpProtocol\.js$/,
    reason:
      'No operation that is used streams events, is a REST operation, or has a prefix of its own before the host.',
    methods: [
      'serializeEventStream',
      'deserializeEventStream',
      'loadEventStreamCapability',
      'getEventStreamMarshaller',
      'resolveEventStreamMarshaller',
      'resolveError',
      'deserializeHttpMessage',
    ],
    instead: (contents) =>
      contents.replace(/^import \{ getHttpOperationBindings.*\n/m, '').replace(
        /^ {4}setHostPrefix\((?:.*\n)*? {4}\}\n/m,
        `    setHostPrefix(request, { name, traits }) {
        if (traits?.endpoint) throw new Error(name + ' has a host prefix: see scripts/aliases/cuts.ts');
    }\n`,
      ),
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/protocols\/HttpBindingNormalizedSchema\.js$/,
    reason: 'These are the bindings of REST operations to paths, queries and headers.',
    methods: ['getHttpBindings'],
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/protocols\/json\/codec-v2\/JsonBytesStringAdapter\.js$/,
    reason: "It lets middleware use a body of bytes as a string, too; the clients' own middleware does not.",
    instead: `export class JsonBytesStringAdapter {
      static allocUnsafe(size) { return Buffer.allocUnsafe(size); } }`,
  },
  {
    modules: /^@smithy\/signature-v4\/dist-es\/SignatureV4\.js$/,
    reason: 'Requests are signed, neither URLs nor events are.',
    methods: ['presign', 'signEvent', 'signMessage'],
    instead: (contents) => contents.replace(/^ {4}headerFormatter = .*\n/m, ''),
  },
  {
    modules: /^@aws-sdk\/core\/dist-es\/submodules\/client\/util-endpoints\/lib\/aws\/partitions\.js$/,
    reason:
      "A Region's description is not used, and its name tells the partition where the partition's pattern fits it.",
    instead: withoutRegionsThatMatch,
  },
  {
    modules: /^@aws-lambda-powertools\/logger\/lib\/esm\/Logger\.js$/,
    reason: 'Nothing makes child loggers, decorates methods, changes the keys of a logger or lets it buffer.',
    methods: [
      'createChild',
      'createLogger',
      'injectLambdaContext',
      'injectLambdaContextAfterOrOnError',
      'addPersistentLogAttributes',
      'getPersistentLogAttributes',
      'removeKeys',
      'removePersistentLogAttributes',
      'removePersistentKeys',
      'setPersistentLogAttributes',
      'critical',
      'trace',
      'bufferLogItem',
      'flushBuffer',
      'shouldBufferLog',
      'appendKeys',
      'setCorrelationId',
      'getCorrelationId',
      '#setLogBuffering',
    ],
    instead: (contents) =>
      contents
        .replace(/^ {8}this\.#setLogBuffering\(.*\n/m, '')
        .replace(/^( {4}processLogItem\(.*\n)(?:.*\n)*?(?= {8}if \(logLevel >= )/m, '$1')
        .replace(/^ {4}clearBuffer\(\) \{\n(?:.*\n)*? {4}\}\n/m, '    clearBuffer() {}\n'),
  },
  {
    modules: /^@aws-lambda-powertools\/logger\/lib\/esm\/LogInvocationStore\.js$/,
    reason: 'No logger buffers.',
    methods: ['configureBuffer', '#getBuffer', 'add', 'get', 'delete'],
    instead: (contents) => contents.replace(/^ {4}#buffer = .*\n/m, ''),
  },
  {
    modules: /^@aws-lambda-powertools\/logger\/lib\/esm\/LogAttributesStore\.js$/,
    reason: 'Nothing takes keys away from a logger.',
    methods: ['removeTemporaryKeys', 'removePersistentKeys'],
  },
];

function versionOf(packageJson: string): string {
  return v.parse(v.object({ version: v.string() }), JSON.parse(packageJson)).version;
}

function withoutParsers(contents: string, names: readonly string[]): string {
  return names.reduce(
    (text, name) =>
      text.replace(
        new RegExp(`^export const ${name} = (?:.*\\n)*?\\};\\n`, 'm'),
        `export const ${name} = () => { throw new Error('${name} is not in this bundle: see scripts/aliases/cuts.ts'); };\n`,
      ),
    contents.replaceAll('= new RegExp(', '= /* @__PURE__ */ new RegExp('),
  );
}

/** The service's host name stands in the rules that are left out. */
function endpointResolverOf(path: string): string {
  const rules = readFileSync(join(dirname(path), 'bdd.js'), 'utf8');
  const [, global] = /"https:\/\/([a-z-]+)\.amazonaws\.com"/.exec(rules) ?? [];
  // STS has one that is taken on request alone.
  if (global !== undefined && !rules.includes('UseGlobalEndpoint'))
    return endpointResolverModule('globalEndpointResolver', global);
  const host = /"https:\/\/([a-z-]+)\.\{Region\}\.\{PartitionResult#dnsSuffix\}"/g;
  const [name] = [...rules.matchAll(host)].flatMap(([, found = '']) => (/-fips$|^search-/.test(found) ? [] : [found]));
  if (name === undefined) throw new Error(`${path}: no host of a Region in the rules`);
  return endpointResolverModule('endpointResolver', name);
}

function endpointResolverModule(resolver: string, host: string): string {
  return `import { ${resolver} } from ${JSON.stringify(join(import.meta.dirname, 'endpoints.ts'))};
    export const defaultEndpointResolver = ${resolver}(${JSON.stringify(host)});`;
}

/** Leaves Regions out of the table of partitions that their partition's pattern finds as well; the others keep no description. */
function withoutRegionsThatMatch(contents: string): string {
  const [head = '', table = ''] = contents.split(/(?<=^export const partitionsInfo = )/m);
  const parsed: unknown = JSON.parse(table.slice(0, table.lastIndexOf('}') + 1));
  const { partitions } = v.parse(partitionsSchema, parsed);
  const reduced = partitions.map((partition) => ({
    ...partition,
    regions: Object.fromEntries(
      Object.keys(partition.regions)
        .filter((region) => !new RegExp(partition.regionRegex).test(region))
        .map((region) => [region, {}]),
    ),
  }));
  return `${head}${JSON.stringify({ partitions: reduced })};`;
}
