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
    modules: /^@smithy\/core\/dist-es\/submodules\/config\/config-resolver\/regionConfig\/getInstanceMetadataRegion\.js$/,
    reason: 'Lambda sets AWS_EXECUTION_ENV and AWS_REGION, which are looked at before the metadata of an EC2 instance.',
    instead: 'export const getInstanceMetadataRegion = async () => undefined;',
  },
  {
    modules: /^@aws-sdk\/middleware-endpoint-discovery\/dist-es\/index\.js$/,
    reason: 'No operation of the DynamoDB client uses the discovery of endpoints any more; its cache brings a library along.',
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
    modules: /^@smithy\/core\/dist-es\/submodules\/serde\/(date-utils|schema-serde-lib\/schema-date-utils)\.js$/,
    reason: 'These regular expressions have no side effects: said so, those that nothing uses are left out.',
    instead: (contents) => contents.replaceAll('= new RegExp(', '= /* @__PURE__ */ new RegExp('),
  },
  {
    modules: /^@smithy\/core\/dist-es\/submodules\/protocols\/HttpProtocol\.js$/,
    reason: 'No operation that is used streams events, is a REST operation, or has a prefix of its own before the host.',
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
      contents
        .replace(/^import \{ getHttpOperationBindings.*\n/m, '')
        .replace(
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
    reason: "A Region's description is not used, and its name tells the partition where the partition's pattern fits it.",
    instead: withoutRegionsThatMatch,
  },
  {
    modules: /^@aws-lambda-powertools\/logger\/lib\/esm\/Logger\.js$/,
    reason: 'Nothing makes child loggers, decorates methods or changes the keys of a logger.',
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
    ],
  },
];

function versionOf(packageJson: string): string {
  return v.parse(v.object({ version: v.string() }), JSON.parse(packageJson)).version;
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
