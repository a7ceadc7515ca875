export default async ({ config, env: { SIGN_KEY } }) => `${config.text}.${SIGN_KEY}`;
