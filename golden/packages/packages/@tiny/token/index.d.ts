export const platform: string;
export function token(text: string): string;
