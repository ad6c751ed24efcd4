// The precompiled headers are built with this unit; folders that hold only headers build it as well.
