import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Plugin } from 'esbuild';

const sharedNamespace = 'same-clients';
const imported = /^import (\w+, )?(\w+|\{[^}]*\}) from ("[^"]+");\n/gm;

/** The packages from which clients import different things to the same end. */
const ownPackages = ['"@aws-sdk/core/protocols"', '"@aws-sdk/dynamodb-codec"'];

/**
 * Bundles code once that the AWS clients have word for word the same, but for the names of their services: their constructors and
 * settings. Each such module becomes a call of a function that is shared by all modules of the same wording, which takes what
 * the module imports from its own client.
 */
export function sameClients(): Plugin {
  return {
    name: sharedNamespace,
    setup({ onLoad, onResolve }) {
      const shared = new Map<string, { contents: string; resolveDir: string }>();
      onResolve({ filter: /^same-clients:/ }, ({ path }) => ({ path, namespace: sharedNamespace }));
      onLoad({ filter: /.*/, namespace: sharedNamespace }, ({ path }) => ({ ...shared.get(path), loader: 'js' }));
      onLoad(
        {
          filter:
            /@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/](runtimeConfig(?:\.shared)?|auth[\\/]httpAuthSchemeProvider|endpoint[\\/]EndpointParameters|[A-Z]\w+Client)\.js$/,
        },
        async ({ path }) => {
          const split = splitModule(await withSigV4Alone(path), basename(path));
          const key = `same-clients:${createHash('sha256').update(split.shared).digest('hex')}`;
          // All imports that are left name packages, so that any client's folder finds them.
          shared.set(key, shared.get(key) ?? { contents: split.shared, resolveDir: dirname(path) });
          return { contents: split.own(key), loader: 'js', resolveDir: dirname(path) };
        },
      );
    },
  };
}

/**
 * The module's text. Clients that may sign for several Regions, which is for global endpoints that nothing here calls, are made like
 * KMS's, which has one way to sign alone.
 */
async function withSigV4Alone(path: string): Promise<string> {
  const text = await readFile(path, 'utf8');
  if (!/sigv4a/i.test(text)) return text;
  const [, service = ''] = /^(?:export const|import \{) default(\w+?)HttpAuthSchemeP/m.exec(text) ?? [];
  if (path.endsWith('runtimeConfig.shared.js')) {
    return text
      .replace('AwsSdkSigV4ASigner, ', '')
      .replace(/^import \{ (SignatureV4MultiRegion|NoAuthSigner) \}.*\n/gm, '')
      .replace(/^ {12}\{\n {16}schemeId: "(?:aws\.auth#sigv4a|smithy\.api#noAuth)",\n(?:.*\n)*? {12}\},\n/gm, '')
      .replace(/^ {8}signerConstructor: .*\n/m, '');
  }
  const model = path.replace(/client-[^\\/]+/, 'client-kms').replace(`${service}Client.js`, 'KMSClient.js');
  const [, signingName = '"kms"'] = ownValues.signingName?.exec(text) ?? [];
  return (await readFile(model, 'utf8')).replaceAll('KMS', service).replace('"kms"', signingName);
}

/** What differs beside names: expressions, by the name of the parameter that stands for them. */
const ownValues: Readonly<Record<string, RegExp>> = {
  signingName: /\b(?:n|defaultSigningN)ame: ("[\w-]+")/,
  apiVersion: /\bapiVersion: ("[\d-]+")/,
  serviceId: /\bserviceId: config\?\.serviceId \?\? ("[\w ]+")/,
  protocolSettings: /\bprotocolSettings: config\?\.protocolSettings \?\? (\{[^}]*\})/,
};

function splitModule(text: string, file: string): { shared: string; own: (key: string) => string } {
  const service = /^(\w+)Client\.js$/.exec(file)?.[1] ?? /default(\w+)HttpAuthSchemeProvider\b/.exec(text)?.[1] ?? '';
  const neutral = (code: string) =>
    (service === '' ? code : code.replaceAll(service, 'Service')).replace(/\bAws\w+Protocol\b/g, 'Protocol');
  const imports = [...text.matchAll(imported)].map(([line, , names = '', from = '']) => ({
    line,
    isOwn: from.startsWith('".') || ownPackages.includes(from),
    names: [...names.matchAll(/(?:\w+ as )?(\w+)/g)].map(([, name = '']) => name),
  }));
  const own = imports.filter(({ isOwn }) => isOwn);
  const exported = [...text.matchAll(/^export (?:const|class) (\w+)/gm)].map(([, name = '']) => name);
  const body = text
    .replace(imported, '')
    .replace(/^export \{.*\};\n/gm, '')
    .replace(/^export /gm, '')
    // It differs, and is for extensions of clients, of which there are none.
    .replace(/^ {8}defaultSocketTimeout: .*\n/m, '');
  const values: { name: string; value: string }[] = [];
  const sharedBody = Object.entries(ownValues).reduce(
    (rest, [name, pattern]) =>
      rest.replace(pattern, (whole, value: string) => {
        values.push({ name, value });
        return whole.replace(value, name);
      }),
    body,
  );
  const parameters = own.flatMap(({ names }) => names).filter((name) => new RegExp(`\\b${name}\\b`).test(sharedBody));
  return {
    shared: `${imports.flatMap(({ isOwn, line }) => (isOwn ? [] : [line])).join('')}
export const make = (${[...values.map(({ name }) => name), ...parameters.map(neutral)].join(', ')}) => {
${neutral(sharedBody)}
return [${exported.map(neutral).join(', ')}];
};`,
    own: (key) => `${own.map(({ line }) => line).join('')}
import { make } from ${JSON.stringify(key)};
export const [${exported.join(', ')}] = make(${[...values.map(({ value }) => value), ...parameters].join(', ')});`,
  };
}
