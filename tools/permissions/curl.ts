// Stands for curl where there is none, with what the documents use of it: `curl -sS --aws-sigv4 … --user … -H … -d … <url>`.
// SIGNING_TIME is the time to sign, in milliseconds since the epoch.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { signRequest } from './sign-request.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    silent: { type: 'boolean', short: 's' },
    'show-error': { type: 'boolean', short: 'S' },
    'aws-sigv4': { type: 'string', default: '' },
    user: { type: 'string', default: '' },
    header: { type: 'string', short: 'H', multiple: true, default: [] },
    data: { type: 'string', short: 'd' },
  },
});
const [url = ''] = positionals;
const [, , region = '', service = ''] = values['aws-sigv4'].split(':');
const [accessKeyId = '', secretAccessKey = ''] = values.user.split(':');
const { data } = values;
const body = data?.startsWith('@') ? readFileSync(data.slice(1), 'utf8').replace(/[\r\n]/g, '') : data;
const given = Object.fromEntries(
  values.header.map((header) => {
    const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(header) ?? [];
    return [name, value];
  }),
);
const request = {
  method: body === undefined ? 'GET' : 'POST',
  url,
  headers: given,
  ...(body !== undefined && { body }),
};
const now = Number(process.env.SIGNING_TIME);
const headers = await signRequest(request, { service, region, now, credentials: { accessKeyId, secretAccessKey } });
const response = await fetch(url, { ...request, headers });
process.stdout.write(await response.text());
