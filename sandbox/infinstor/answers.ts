import { type IssuedToken, week } from './subscriber-store.ts';
import type { ErrorAnswer, ExpiredLoginAnswer, ExternalAuth, InfinStorVariant } from './variant.ts';

export interface InfinStorResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const response = (status: number, contentType: string, body: string): InfinStorResponse => ({
  status,
  headers: { 'content-type': contentType },
  body,
});

export const json = (status: number, body: object) => response(status, 'application/json', JSON.stringify(body));

/** Errors are plain text, yet their content type says JSON. */
export const refusal = (status: number, text: string) => response(status, 'application/json', text);

/** An error in one of the forms that it may have. */
export function errorAnswer(form: ErrorAnswer, text: string): InfinStorResponse {
  switch (form) {
    case 'text 400':
      return refusal(400, text);
    case 'text 403':
      return refusal(403, text);
    case 'text 409':
      return refusal(409, text);
    case 'text 200':
      return refusal(200, text);
    case 'text 500':
      return refusal(500, text);
    case 'json 409':
      return json(409, { message: text });
    case 'json 200':
      return json(200, { error: text });
    case 'lambda 200':
      // A function's error, as an API without proxy integration passes it on.
      return json(200, { errorMessage: text, errorType: 'Exception', stackTrace: [] });
  }
}

/** The answer to a login that has expired, or to a token that is none. */
export function expiredLoginAnswer(form: ExpiredLoginAnswer, loginUrl: string): InfinStorResponse {
  const page =
    `<html><head><meta http-equiv="refresh" content="3;url=${loginUrl}"></head>` +
    '<body>Login expired. Please login again</body></html>';
  switch (form) {
    // The service shows its login page instead of an error, with the status of a success.
    case 'page 200':
      return response(200, 'text/html', page);
    case 'page 401':
      return response(401, 'text/html', page);
    case 'json 401':
      return json(401, { message: 'The incoming token has expired' });
    case 'json 403':
      return json(403, { message: 'Forbidden' });
    case 'redirect 302':
      return { status: 302, headers: { location: loginUrl }, body: '' };
  }
}

/** The answer to a subscriber that was made. */
export function tokenAnswer(
  { tokenShape, tokenExpiry }: Pick<InfinStorVariant, 'tokenShape' | 'tokenExpiry'>,
  { id, token, customToken, expires }: IssuedToken,
): InfinStorResponse {
  switch (tokenShape) {
    case 'customToken':
    case 'custom_token':
    case 'token':
      return json(200, { [tokenShape]: customToken });
    case 'opaque':
      return json(200, { customToken });
    case 'queue':
      return json(200, {
        queue_message_uuid: id,
        token,
        ...(tokenExpiry === 'seconds' && { expiry: Math.floor(expires / 1000) }),
        ...(tokenExpiry === 'duration' && { expiry: week / 1000 }),
      });
    case 'nested':
      return json(200, { subscriber: { credentials: { value: customToken } } });
    case 'none':
      return json(200, { status: 'created' });
  }
}

/** What get_version says of logins elsewhere. */
export function externalAuthMember(externalAuth: ExternalAuth): { isExternalAuth?: string } {
  switch (externalAuth) {
    case 'absent':
      return {};
    case 'off':
      return { isExternalAuth: 'false' };
    case 'superadmin in the pool':
    case 'superadmin elsewhere':
      return { isExternalAuth: 'true' };
  }
}
