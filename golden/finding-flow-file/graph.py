from stepwell.flow import js, workflow

with workflow("Flow file") as flow:
    flow.step("Ship", js(file="ship.ts"))
