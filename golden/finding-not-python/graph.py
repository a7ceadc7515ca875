from stepwell.flow import js, workflow

with workflow("Not Python") as flow:
    flow.step("Greet", js("return 'hello';")
