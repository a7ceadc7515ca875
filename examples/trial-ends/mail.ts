const { subject, text } = ({{praise ?? null}} ?? {{encourage ?? null}}) as { subject: string; text: string };
const day = new Date({{read_trial.endsAt}}).toUTCString().slice(0, 16);
return { subject, text: `${text}\n\nYour trial ends on ${day}.` };
