package ops

// PresentDoor makes the page of a door.
var PresentDoor = presentDoor
